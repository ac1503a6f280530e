internal import Journal
internal import Model
internal import Settings

/// An event that waits to be planned.
struct PendingEvent {
    var seq: Int64
    var crashes: Int64
    var event: Event
}

/// Plans as many events of a batch at once as have nothing to do with each other.
///
/// A plan hangs on nothing but what it reads. So all of them are drawn up as far as is known, what they ask is read for
/// all in one way to the server, and they are drawn up anew, until nothing is missing: ways to the server hang on how
/// deep a plan asks, not on how many events there are.
struct PlanWave {
    /// How deep a plan asks at most before it is planned alone.
    private static let roundsMax = 16

    let now: Instant
    let db: Transaction

    struct Outcome {
        var planned: [PendingEvent] = []
        /// What others have in their hands, and what shares something with that.
        var busy: [PendingEvent] = []
        /// What is left, in its order: what shares something with an older event of the batch, and what cannot be planned
        /// with others.
        var left: [PendingEvent] = []
        /// Which of them cannot.
        var odd: Set<Int64> = []
        /// What those that are left touch.
        var names: [Int64: Set<String>] = [:]
        var hasNewWork = false
    }

    /// `waiting` is what older events touch that wait for others; what is busy is added to it.
    func run(
        _ batch: [PendingEvent], behind waiting: inout Set<String>, by plan: (Event, any PlanTransaction) throws -> Void
    ) throws -> Outcome {
        let sights = PlanSights(db)
        let drafts = batch.map { PlanDraft(of: $0, sights) }
        var rounds = 0
        repeat {
            // One that has ended the process so often is not tried once more.
            for draft in drafts where draft.end == .unread && draft.pending.crashes < Limits.plansStartedMax {
                draft.drawUp(plan)
            }
            rounds += 1
        } while try rounds < Self.roundsMax && sights.read()
        let refused = sights.refused.union(try db.refused(in: db.askToTry(drafts.flatMap(\.lanes))))

        var (outcome, ready): (Outcome, [PlanDraft]) = (Outcome(), [])
        var taken: Set<String> = []
        for draft in drafts {
            let (seq, names) = (draft.pending.seq, draft.names)
            if !names.isDisjoint(with: refused) || !names.isDisjoint(with: waiting) {
                outcome.busy.append(draft.pending)
                waiting.formUnion(names)
                continue
            }
            if draft.end != .drawnUp {
                outcome.odd.insert(seq)
            } else if names.isDisjoint(with: taken) {
                ready.append(draft)
            }
            if ready.last !== draft {
                outcome.left.append(draft.pending)
                outcome.names[seq] = names
            }
            taken.formUnion(names)
        }
        try write(ready, &outcome)
        return outcome
    }

    /// Writes all of them; where one of them cannot be written, each of them is to be planned alone.
    private func write(_ drafts: [PlanDraft], _ outcome: inout Outcome) throws {
        guard !drafts.isEmpty else { return }
        do {
            outcome.hasNewWork = try db.inSavepoint {
                let started = try PlanWriting(plans: drafts.map { ($0.pending, $0.writes) }, now: now, db: db).write()
                return try started?.rows().contains(true) ?? false
            }
            outcome.planned = drafts.map(\.pending)
        } catch let error where !PostgresTrouble.isGeneral(error) {
            outcome.odd.formUnion(drafts.map(\.pending.seq))
            outcome.left = (outcome.left + drafts.map(\.pending)).sorted { $0.seq < $1.seq }
            for draft in drafts { outcome.names[draft.pending.seq] = draft.names }
        }
    }
}

extension PlanDraft {
    fileprivate var lanes: [String] {
        writes.jobs.compactMap { job in job.lane.map { Locks.lane(job.call.destination, $0) } }
    }
}
