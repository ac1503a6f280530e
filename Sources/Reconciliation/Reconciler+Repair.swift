internal import ConnectorKit
package import Journal
internal import Logging
package import Model
internal import Seams

extension Reconciler {
    private static let slice = 100
    private static let pause: Duration = .milliseconds(20)

    /// What a repair of the run would do; `causes` empty: all.
    package func repairPlan(of id: ReconciliationID, causes: Set<Difference.Cause>) async throws -> RepairPlan {
        let run = try await checkRepairable(id)
        let counts = try await journal.differenceCounts(of: id)
        return RepairPlan(
            run: id, place: run.place,
            open: counts.filter { causes.isEmpty || causes.contains($0.key) }.mapValues(\.open))
    }

    /// Only the newest run of a place is repaired: what an older one says may be long mended.
    @discardableResult
    func checkRepairable(_ id: ReconciliationID) async throws -> Reconciliation {
        guard let run = try await journal.reconciliation(id) else {
            throw Failure(.notFound, "There is no reconciliation \(id).")
        }
        guard run.state != .running else {
            throw Failure(.conflict, "The reconciliation \(id) still runs; wait for its end.")
        }
        let newest = try await journal.reconciliations(page: PageRequest(limit: Limits.pageMax)).items.first {
            $0.place == run.place && $0.side == run.side
        }
        guard newest?.id == id else {
            throw Failure(
                .conflict,
                "There is a newer reconciliation of \(run.place) (\(newest?.id.description ?? "")); repair that one.")
        }
        return run
    }

    func repair(_ id: ReconciliationID, causes: Set<Difference.Cause>, by actor: String) async {
        do {
            let run = try await checkRepairable(id)
            let (done, failed) = try await repair(run, causes, by: actor)
            try await journal.note(
                AuditRow(
                    at: time.now, actor: actor, action: "reconciliations.repair", target: id.description,
                    detail: "\(done) repaired, \(failed) not"))
        } catch {
            logger.error(
                "repair stopped",
                metadata: ["reconciliation.id": "\(id)", "error.code": "\(Self.kind(of: error))"])
        }
    }

    private func repair(
        _ run: Reconciliation, _ causes: Set<Difference.Cause>, by actor: String
    ) async throws -> (done: Int, failed: Int) {
        var (done, failed) = (0, 0)
        var cursor: String?
        repeat {
            let page = try await journal.differences(
                of: run.id, DifferenceFilter(causes: causes, isOpen: true),
                page: PageRequest(limit: Self.slice, cursor: cursor))
            for difference in page.items {
                try Task.checkCancellation()
                let repair = try await outcome(of: difference, in: run, by: actor)
                try await journal.noteRepair(repair, of: difference.number, in: run.id)
                if repair.outcome == .done { done += 1 } else { failed += 1 }
            }
            onEvents()
            onJobs()
            cursor = page.next
            if cursor != nil { try await time.sleep(for: Self.pause) }
        } while cursor != nil
        return (done, failed)
    }

    private func outcome(
        of difference: Difference, in run: Reconciliation, by actor: String
    ) async throws -> Difference.Repair {
        func repair(_ outcome: Difference.Repair.Outcome, _ note: String?) -> Difference.Repair {
            Difference.Repair(outcome: outcome, at: time.now, by: actor, note: note)
        }
        do {
            return repair(.done, try await mend(difference, in: run, by: actor))
        } catch let error as Unrepaired {
            return repair(.failed, error.reason)
        } catch let error as Unanswered {
            return repair(.failed, error.reason)
        } catch let failure as Failure where failure.code == .conflict || failure.code == .notFound {
            return repair(.failed, failure.message)
        }
    }

    /// It cannot be repaired, for this reason; others can.
    private struct Unrepaired: Error { var reason: String }

    /// Does what the cause asks for, and says what was done.
    private func mend(_ difference: Difference, in run: Reconciliation, by actor: String) async throws -> String {
        switch difference.cause {
        case .neverArrived: return try await ingest(difference.key, of: run.place)
        case .dead: return try await retry(difference, by: actor)
        case .neverPlanned: return try await replay(difference, by: actor)
        case .changed where run.side == .source: return try await ingest(difference.key, of: run.place)
        case .changed: return try await makeOnceMore(difference, by: actor)
        case .double: return try await merge(difference, at: run.place)
        }
    }

    private func ingest(_ key: String, of source: String) async throws -> String {
        guard let provider = histories[source] else { throw Places.unknown(source) }
        let payload = try await patiently(on: time) { () throws(Setback) in
            try await provider.payload(of: key, now: time.now)
        }
        guard let payload else { throw Unrepaired(reason: "\(source) does not have it any more") }
        return try Self.note(await intake.recover(payload, of: source))
    }

    private static func note(_ recovery: Recovery) throws -> String {
        switch recovery {
        case .accepted(let event): return "taken in as \(event)"
        case .duplicate(let event): return "it was here already as \(event)"
        case .kept(let reason): throw Unrepaired(reason: "it is no event after all: \(reason)")
        case .refused(let reason): throw Unrepaired(reason: reason)
        }
    }

    private func retry(_ difference: Difference, by actor: String) async throws -> String {
        guard let job = difference.job else { throw Unrepaired(reason: "its job is not known") }
        do {
            try await journal.change(job, .retry, by: actor, now: time.now)
        } catch let failure as Failure where failure.code == .conflict {
            guard try await journal.job(job)?.row.state != .dead else { throw failure }
            return "\(job) is not dead any more"
        }
        return "\(job) is tried again"
    }

    private func replay(_ difference: Difference, by actor: String) async throws -> String {
        if let id = difference.quarantine {
            guard let kept = try await journal.keptDelivery(id) else {
                throw Unrepaired(reason: "the delivery is not kept any more")
            }
            if let event = kept.replayedAs { return "it is \(event) already" }
            return try Self.note(await intake.replay(kept))
        }
        guard let event = difference.event else { throw Unrepaired(reason: "its event is not known") }
        let mint = mint
        _ = try await journal.replay(event, repeating: false, mint: { mint.make() }, by: actor, now: time.now)
        return "planned again"
    }

    private func makeOnceMore(_ difference: Difference, by actor: String) async throws -> String {
        guard let job = difference.job else { throw Unrepaired(reason: "its job is not known") }
        let mint = mint
        let next = try await journal.repeatEffect(of: job, mint: { mint.make() }, by: actor, now: time.now)
        return "made once more by \(next)"
    }

    private func merge(_ difference: Difference, at destination: String) async throws -> String {
        guard let provider = connectors[destination] as? any RecordProvider else { throw Places.unknown(destination) }
        guard let kept = difference.records.first, difference.records.count > 1 else {
            throw Unrepaired(reason: "the records are not known")
        }
        let doubles = Array(difference.records.dropFirst())
        try await patiently(on: time) { () throws(Setback) in try await provider.fold(doubles, into: kept) }
        return "\(doubles.joined(separator: ", ")) merged into \(kept)"
    }
}
