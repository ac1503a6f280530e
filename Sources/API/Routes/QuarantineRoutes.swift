package import Journal
internal import Logging
package import Model
internal import Seams

extension Routes {
    static func quarantine(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/quarantine", .scope(.read)) { call in
                let inputs = try Inputs(call.query, known: Inputs.kept.union(Inputs.page), now: dependencies.time.now)
                let page = try await dependencies.reading.keptDeliveries(inputs.keptFilter(), page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("GET", "/v1/quarantine/{id}", .scope(.read)) { call in
                guard let kept = try await dependencies.reading.keptDelivery(id(call, "kept delivery")) else {
                    throw missing("kept delivery")
                }
                var body = kept.json
                body["payload"] = .string(String(decoding: kept.payload, as: UTF8.self))
                return .json(body)
            },
            Route("POST", "/v1/quarantine/{id}/replay", .scope(.operate), media: .json) { call in
                _ = try Inputs(body: call.body, known: [], now: dependencies.time.now)
                guard let kept = try await dependencies.reading.keptDelivery(id(call, "kept delivery")) else {
                    throw missing("kept delivery")
                }
                if let event = kept.event {
                    // It is in the journal already: planning tries it again.
                    let mint = dependencies.mint
                    _ = try await dependencies.operating.replay(
                        event, repeating: false, mint: { mint.make() }, by: call.actor, now: dependencies.time.now)
                    dependencies.wakePlanning()
                    return relay(
                        ReceiptAnswer(
                            status: 200, body: ["status": "accepted", "event": .string(event.description)]), call)
                }
                let receipt = await dependencies.receiving.replay(kept)
                try await note(call, "quarantine.replay", kept.id.description, dependencies)
                return relay(receipt, call)
            },
            Route("POST", "/v1/quarantine/{id}/set-aside", .scope(.operate), media: .json) { call in
                _ = try Inputs(body: call.body, known: [], now: dependencies.time.now)
                guard let kept = try await dependencies.reading.keptDelivery(id(call, "kept delivery")) else {
                    throw missing("kept delivery")
                }
                try await setAside(kept.id, by: call.actor, dependencies)
                return .json(["id": .string(kept.id.description), "kind": "ignored"])
            },
            bulk("replay", .replay, dependencies), bulk("set-aside", .setAside, dependencies),
        ]
    }

    /// Throws where it cannot be set aside.
    package static func setAside(_ kept: QuarantineID, by actor: String, _ dependencies: Dependencies) async throws {
        let count = try await dependencies.operating.setAside([kept], by: actor, now: dependencies.time.now)
        guard count == 1 else {
            throw Failure(
                .conflict, "Only a quarantined delivery that was not read again can be set aside, and only once.")
        }
    }

    private static func bulk(_ name: String, _ deed: QuarantineBulk.Deed, _ dependencies: Dependencies) -> Route {
        Route("POST", "/v1/quarantine/\(name)", .scope(.operate), media: .json) { call in
            let inputs = try Inputs(
                body: call.body, known: Inputs.kept.union(["dry_run", "limit"]), now: dependencies.time.now)
            var filter = try inputs.keptFilter()
            filter.isReplayed = filter.isReplayed ?? false
            if filter.kinds.isEmpty { filter.kinds = KeptFilter.needingMend }
            let limit = try inputs.count("limit", upTo: bulkMax) ?? bulkDefault
            let isDryRun = try inputs.flag("dry_run") ?? true
            return .json(
                try await QuarantineBulk(dependencies: dependencies, deed: deed, filter: filter, limit: limit).run(
                    isDryRun: isDryRun, actor: call.actor))
        }
    }

    static func note(
        _ call: Call, _ action: String, _ target: String, detail: String? = nil, _ dependencies: Dependencies
    )
        async throws
    {
        try await dependencies.operating.note(
            AuditRow(at: dependencies.time.now, actor: call.actor, action: action, target: target, detail: detail))
    }
}

/// Replays kept deliveries in bulk, or sets them aside: counts first, then goes through them page by page.
package struct QuarantineBulk: Sendable {
    package enum Deed: Sendable { case replay, setAside }

    package var dependencies: Dependencies
    package var deed: Deed
    package var filter: KeptFilter
    package var limit: Int

    package init(dependencies: Dependencies, deed: Deed = .replay, filter: KeptFilter, limit: Int) {
        self.dependencies = dependencies
        self.deed = deed
        self.filter = filter
        self.limit = limit
        // Nothing else can be.
        if deed == .setAside { self.filter.kinds = [.quarantined] }
    }

    /// Counts by source and code, and by what became of them when it runs.
    ///
    /// `is_cut`: more match than `limit`.
    package func run(isDryRun: Bool, actor: String) async throws -> JSONObject {
        var (seen, bySource, byCode, byResult) = (0, [String: Int](), [String: Int](), [String: Int]())
        var cursor: String?
        repeat {
            let page = try await dependencies.reading.keptDeliveries(
                filter, page: PageRequest(limit: min(Limits.pageMax, limit - seen), cursor: cursor))
            for kept in page.items {
                seen += 1
                bySource[kept.source, default: 0] += 1
                byCode[kept.code, default: 0] += 1
                if !isDryRun, deed == .replay { byResult[await replay(kept, actor: actor), default: 0] += 1 }
            }
            if !isDryRun, deed == .setAside {
                let count = try await dependencies.operating.setAside(
                    page.items.map(\.id), by: actor, now: dependencies.time.now)
                byResult["ignored", default: 0] += count
            }
            cursor = page.next
        } while cursor != nil && seen < limit
        if !isDryRun, deed == .replay {
            try await dependencies.operating.note(
                AuditRow(
                    at: dependencies.time.now, actor: actor, action: "quarantine.replay", target: "\(seen) deliveries"))
        }
        return [
            "dry_run": .bool(isDryRun), "count": json(seen), "is_cut": .bool(cursor != nil),
            "by_source": json(bySource), "by_code": json(byCode), "results": json(byResult),
        ]
    }

    /// `accepted`, `duplicate`, …, else `refused`: one that cannot be read today does not stop the others.
    package func replay(_ kept: KeptDelivery, actor: String) async -> String {
        if let event = kept.event {
            let mint = dependencies.mint
            do {
                _ = try await dependencies.operating.replay(
                    event, repeating: false, mint: { mint.make() }, by: actor, now: dependencies.time.now)
                dependencies.wakePlanning()
                return "accepted"
            } catch {
                dependencies.logger.warning("replay refused", metadata: ["quarantine.id": "\(kept.id)"])
                return "refused"
            }
        }
        let receipt = await dependencies.receiving.replay(kept)
        return receipt.status < 300 ? receipt.body["status"]?.string ?? "accepted" : "refused"
    }
}
