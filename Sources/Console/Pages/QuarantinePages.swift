internal import API
internal import Journal
internal import Model
internal import Seams

extension Console {
    var quarantineRoutes: [Route] {
        [
            page("GET", "/console/quarantine") { visit in
                let inputs = try Inputs(
                    visit.call.query, known: Inputs.kept.union(Inputs.page), now: dependencies.time.now)
                var filter = try inputs.keptFilter()
                if filter.kinds.isEmpty { filter.kinds = [.quarantined, .unplannable] }
                let page = try await dependencies.reading.keptDeliveries(filter, page: inputs.page())
                return html(
                    "quarantine",
                    [
                        "title": "Quarantine", "kept": .array(page.items.map { .object(Self.values(of: $0)) }),
                        "next": .string(page.next.map { PercentCoding.encode($0) } ?? ""),
                        "is_ignored": .bool(filter.kinds == [.ignored]),
                    ], visit)
            },
            page("GET", "/console/quarantine/{id}") { visit in
                let kept = try await kept(visit)
                var values = Self.values(of: kept)
                values["title"] = "Kept delivery"
                values["payload"] = .string(String(decoding: kept.payload.prefix(16_384), as: UTF8.self))
                return html("kept", values, visit)
            },
            page("POST", "/console/quarantine/{id}/replay", .operator) { visit in
                let kept = try await kept(visit)
                let result = await QuarantineReplay(dependencies: dependencies, filter: KeptFilter(), limit: 1)
                    .replay(kept, actor: visit.actor)
                try await note(visit, "quarantine.replay", kept.id.description)
                return html(
                    "message",
                    [
                        "heading": .string("Replayed: \(result)"),
                        "message": .string(
                            result == "refused"
                                ? "It still cannot be read. Its page has the reason."
                                : "It went down the street like a new delivery."),
                    ], visit)
            },
        ]
    }

    private func kept(_ visit: Visit) async throws -> KeptDelivery {
        guard let id = QuarantineID(visit.call.parameter("id")),
            let kept = try await dependencies.reading.keptDelivery(id)
        else { throw Failure(.notFound, "There is no kept delivery with this id.") }
        return kept
    }

    private static func values(of kept: KeptDelivery) -> JSONObject {
        [
            "id": .string(kept.id.description), "kind": .string(kept.kind.rawValue), "source": .string(kept.source),
            "external_id": .string(kept.externalID), "external_type": .string(kept.externalType ?? ""),
            "code": .string(Shown.words(kept.code)), "reason": .string(kept.reason),
            "field": .string(kept.field ?? ""), "at": .string(Shown.time(kept.receivedAt)),
            "replayed": .string(kept.replayedAs?.description ?? ""), "can_replay": .bool(kept.replayedAs == nil),
        ]
    }
}
