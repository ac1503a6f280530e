internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams

/// What a source's provider says has happened, held against what arrived.
struct SourceCheck {
    let source: String
    let provider: any HistoryProvider
    let journal: any ReconciliationJournal
    let intake: any Recovering
    let time: any TimeSource
    /// Whether a destination is compared itself.
    let isCompared: @Sendable (String) -> Bool

    func perform(_ ledger: inout RunLedger) async throws {
        let told = try await compareEvents(&ledger)
        for kind in provider.objectKinds { try await compareObjects(kind, besides: told, &ledger) }
    }

    // MARK: Events

    /// Returns the objects of which an event is missing: they are told of already.
    private func compareEvents(_ ledger: inout RunLedger) async throws -> Set<String> {
        let oldest = time.now - provider.reach
        let window = ListWindow(since: max(ledger.run.since, oldest), until: ledger.run.until)
        var told: Set<String> = []
        guard window.since < window.until else { return told }
        try await pages(&ledger) { after throws(Setback) in
            try await provider.events(in: window, after: after)
        } each: { events, ledger in
            let wanted = events.filter { intake.assess($0.payload, of: source) != .ignored }
            let standings = try await journal.arrivals(at: source, externalIDs: wanted.map(\.id))
            for event in wanted {
                let judgement = judge(event, standings[event.id], &ledger)
                if case .differs = judgement, let object = event.object { told.insert(object) }
            }
        }
        return told
    }

    private func judge(
        _ event: ToldEvent, _ standing: ArrivalStanding?, _ ledger: inout RunLedger
    ) -> Comparison.Judgement {
        let kept = Comparison.Kept(standing, comparedElsewhere: isCompared)
        let judgement = Comparison.judge(kept: kept, told: .there(differing: []))
        ledger.note(judgement, in: event.type) { cause, detail in
            var difference = Difference(
                number: 0, cause: cause, sample: "", key: event.id, at: event.at, detail: detail)
            switch standing {
            case .event(let id, _, _, let dead)?:
                difference.event = id
                difference.job = dead.first { !isCompared($0.destination) }?.job
            case .quarantined(let id, _)?: difference.quarantine = id
            case .ignored?, nil: break
            }
            return difference
        }
        return judgement
    }

    // MARK: Objects

    private func compareObjects(_ kind: String, besides told: Set<String>, _ ledger: inout RunLedger) async throws {
        let window = ListWindow(since: ledger.run.since, until: ledger.run.until)
        try await pages(&ledger) { after throws(Setback) in
            try await provider.objects(kind, in: window, after: after)
        } each: { objects, ledger in
            let objects = objects.filter { !told.contains($0.object) }
            let facts = try await journal.factEvents(
                objects.compactMap { if case .fact(let key) = $0.trace { key } else { nil } })
            let statuses = try await journal.statuses(
                ofObjects: objects.compactMap { if case .status = $0.trace { $0.object } else { nil } })
            for object in objects { judge(object, of: kind, facts, statuses, &ledger) }
        }
    }

    private func judge(
        _ object: ToldObject, of kind: String, _ facts: [String: EventID], _ statuses: [String: String],
        _ ledger: inout RunLedger
    ) {
        let kept: Comparison.Kept
        var told = Comparison.Told.there(differing: [])
        switch object.trace {
        case .fact(let key): kept = facts[key] == nil ? .absent : .done
        case .status(let status):
            let known = statuses[object.object]
            kept = known == nil ? .absent : .done
            if let known, known != status { told = .there(differing: ["status"]) }
        }
        ledger.note(Comparison.judge(kept: kept, told: told), in: kind) { cause, detail in
            Difference(number: 0, cause: cause, sample: "", key: object.id, at: object.at, detail: detail)
        }
    }

    // MARK: Pages

    /// All pages of a list, up to the bound of a run.
    private func pages<Item>(
        _ ledger: inout RunLedger, ask: (String?) async throws(Setback) -> ToldPage<Item>,
        each: ([Item], inout RunLedger) async throws -> Void
    ) async throws {
        var (after, count): (String?, Int) = (nil, 0)
        repeat {
            let page = try await patiently(on: time) { () throws(Setback) in try await ask(after) }
            try await each(page.items, &ledger)
            if ledger.fresh.count >= RunLedger.freshMax {
                try await journal.keepDifferences(ledger.takeFresh(), of: ledger.run.id)
            }
            count += page.items.count
            after = page.next
            if count >= Limits.listedMax, after != nil {
                ledger.cut()
                return
            }
            if after != nil { try await time.sleep(for: provider.pace) }
        } while after != nil
    }
}
