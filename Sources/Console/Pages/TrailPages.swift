internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Trail

extension Console {
    var trailRoutes: [Route] {
        [
            page("GET", "/console/trail") { visit in
                guard let id = visit.call.query["id"]?.trimmed, !id.isEmpty else {
                    return try await html("trail", in: "trail", ["title": "Trail", "is_empty": true], visit)
                }
                guard let document = try await dependencies.trail.trail(of: id) else {
                    return try await html(
                        "trail", in: "trail", ["title": "Trail", "query": .string(id), "is_missing": true], visit,
                        status: 404)
                }
                return try await html("trail", in: "trail", try await values(of: document), visit)
            }
        ]
    }

    /// Steps beyond these are told without what is inside them.
    private static let openedMax = 60
    private static let identifiersMax = 50

    private func values(of document: TrailDocument) async throws -> JSONObject {
        let now = now
        let settings = settings
        let jobs = Set(document.items.filter { $0.kind == .job }.compactMap(\.job))
        let isBelow = { (item: TrailItem) in
            (item.kind == .attempt || item.kind == .record) && item.job.map(jobs.contains) == true
        }
        let below = Dictionary(grouping: document.items.filter(isBelow)) { $0.job }
        var (steps, day, opened): ([JSONValue], String, Int) = ([], "", 0)
        for item in document.items where !isBelow(item) {
            var step = Self.values(of: item, settings: settings)
            let text = String(item.at.description.prefix(10))
            if text != day {
                day = text
                step["day"] = .string(text)
            }
            if opened < Self.openedMax, item.kind == .event || item.kind == .job {
                opened += 1
                for member in try await inside(item).members { step[member.key] = member.value }
            }
            if item.kind == .job, let job = item.job {
                step["attempts"] = .array((below[job] ?? []).filter { $0.kind == .attempt }.map(Self.attempt))
                step["records"] = .array((below[job] ?? []).filter { $0.kind == .record }.map(Self.record))
            }
            steps.append(.object(step))
        }
        return [
            "title": "Trail", "query": .string(document.query), "is_cut": .bool(document.isCut), "is_found": true,
            "is_several": .bool(document.subjects.count > 1),
            "lanes": .array(Lane.allCases.map { ["name": .string($0.title), "key": .string($0.rawValue)] }),
            "subjects": .array(document.subjects.map(Self.values(of:))), "steps": .array(steps),
            "from": Shown.stamp(document.items.first?.at, now: now),
            "to": Shown.stamp(document.items.last?.at, now: now),
            "count": .string(Shown.count(document.items.count, "step")),
        ]
    }

    private static func values(of subject: TrailSubject) -> JSONValue {
        [
            "id": .string(subject.id.description),
            "identifiers": .array(
                subject.identifiers.prefix(identifiersMax).map {
                    [
                        "kind": .string($0.kind.name), "value": .string($0.value),
                        "is_claimed": .bool($0.basis == .claimed),
                    ]
                }),
        ]
    }

    private static func values(of item: TrailItem, settings: Settings) -> JSONObject {
        let lane = Lane.of(item, settings: settings)
        let call = [item.destination, item.type].compactMap(\.self).joined(separator: ".")
        let isFlow = item.state != "no_flow" && item.state != "joined"
        let title =
            switch item.kind {
            case .event: Shown.words(item.type)
            case .decision: isFlow ? "flow \(item.type)" : item.state == "joined" ? "people joined" : "no flow listens"
            case .job, .attempt: call
            case .record: "\(call) \(item.id)"
            }
        return [
            "clock": .string(Shown.clock(item.at)), "iso": .string(item.at.description),
            "kind": .string(item.kind.rawValue), "lane": .string(lane.rawValue), "lane_name": .string(lane.title),
            "title": .string(title), "place": .string(item.kind == .job ? item.destination ?? "" : ""),
            "act": .string(item.type), "source": item.source.map { .string($0) } ?? .null,
            // That an event was planned goes without saying.
            "state": .string(
                item.kind == .event && item.state == "planned" || !isFlow ? "" : item.state.map(Shown.words) ?? ""),
            "tone": .string(Shown.tone(of: item.state)),
            "duration": .string(item.durationMilliseconds.map(TrailText.duration) ?? ""),
            "detail": item.detail.map { .string($0) } ?? .null, "key": .string("\(item.kind.rawValue)-\(item.id)"),
            "job": .string(item.kind == .job ? item.id : ""), "event": .string(item.kind == .event ? item.id : ""),
        ]
    }

    /// What an event says and what a job sends, masked.
    private func inside(_ item: TrailItem) async throws -> JSONObject {
        if let id = EventID(item.id), let detail = try await dependencies.reading.event(id) {
            return ["fields": Masked.rows(of: detail.row.event.data)]
        }
        guard let id = item.job, let detail = try await dependencies.reading.job(id) else { return [:] }
        guard let request = detail.request else { return [:] }
        let body = Masked.body(request.body, hiding: try await said(of: detail.row.event))
        return ["request": .string("\(request.method) \(request.path)\n\(body)")]
    }

    private static func attempt(_ item: TrailItem) -> JSONValue {
        [
            "number": .string(item.id.split(separator: "#").last.map(String.init) ?? ""),
            "clock": .string(Shown.clock(item.at)), "iso": .string(item.at.description),
            "state": .string(item.state.map(Shown.words) ?? ""), "tone": .string(Shown.tone(of: item.state)),
            "took": .string(item.durationMilliseconds.map(TrailText.duration) ?? ""),
            "answer": item.detail.map { .string($0) } ?? .null,
        ]
    }

    private static func record(_ item: TrailItem) -> JSONValue {
        [
            "name": .string([item.destination, item.type, item.id].compactMap(\.self).joined(separator: " ")),
            "url": ExternalLink.checked(item.detail).map { .string($0) } ?? .null,
        ]
    }
}

/// Addresses that a destination told.
enum ExternalLink {
    /// Only what a browser opens as a page; a `javascript:` address is none.
    static func checked(_ text: String?) -> String? {
        guard let text, text.hasPrefix("https://") || text.hasPrefix("http://"), text.utf8.count <= 2048,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return text
    }
}

extension String {
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
