internal import API
internal import Journal
internal import Model
internal import Trail

extension Console {
    var trailRoutes: [Route] {
        [
            page("GET", "/console/trail") { visit in
                guard let id = visit.call.query["id"]?.trimmed, !id.isEmpty else {
                    return html("trail", ["title": "Trail", "is_empty": true], visit)
                }
                guard let document = try await dependencies.trail.trail(of: id) else {
                    return html(
                        "trail", ["title": "Trail", "query": .string(id), "is_missing": true], visit, status: 404)
                }
                return html("trail", Self.values(of: document), visit)
            }
        ]
    }

    static func values(of document: TrailDocument) -> JSONObject {
        var day = ""
        let items = document.items.map { item -> JSONValue in
            let text = Shown.time(item.at)
            let isNewDay = text.prefix(10) != day
            day = String(text.prefix(10))
            return .object(values(of: item, day: isNewDay ? day : nil))
        }
        return [
            "title": "Trail", "query": .string(document.query), "is_cut": .bool(document.isCut),
            "is_several": .bool(document.subjects.count > 1), "is_found": true,
            "subjects": .array(
                document.subjects.map { subject in
                    [
                        "id": .string(subject.id.description),
                        "identifiers": .array(
                            subject.identifiers.prefix(50).map {
                                [
                                    "kind": .string($0.kind.name), "value": .string($0.value),
                                    "is_claimed": .bool($0.basis == .claimed),
                                ]
                            }),
                    ]
                }),
            "items": .array(items),
        ]
    }

    private static func values(of item: TrailItem, day: String?) -> JSONObject {
        let clock = item.at.description.dropFirst(11).dropLast()
        let title =
            switch item.kind {
            case .event: item.type
            case .decision: "flow \(item.type)"
            case .job: [item.destination, item.type].compactMap(\.self).joined(separator: ".")
            case .attempt:
                "\(item.id.split(separator: "#").last ?? "") of "
                    + [item.destination, item.type].compactMap(\.self).joined(separator: ".")
            case .record: [item.destination, item.type, item.id].compactMap(\.self).joined(separator: " ")
            }
        return [
            "day": day.map { .string($0) } ?? .null, "clock": .string(String(clock)),
            "at": .string(item.at.description), "kind": .string(item.kind.rawValue), "title": .string(title),
            "source": item.source.map { .string($0) } ?? .null,
            "state": .string(item.state.map(Shown.words) ?? ""), "tone": .string(Shown.tone(of: item.state)),
            "duration": .string(item.durationMilliseconds.map(TrailText.duration) ?? ""),
            "detail": item.detail.map { .string($0) } ?? .null,
            "job": .string(item.kind == .job ? item.id : ""),
            "id": .string(item.kind == .event ? item.id : ""),
        ]
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
