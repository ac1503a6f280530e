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
        /// What others have in their hands.
        var busy: [PendingEvent] = []
        /// What is left, in its order: what shares something with an older event of the batch, and what cannot be planned
        /// with others.
        var left: [PendingEvent] = []
        /// Which of them cannot.
        var odd: Set<Int64> = []
        var hasNewWork = false
    }

    func run(_ batch: [PendingEvent], by plan: (Event, any PlanTransaction) throws -> Void) throws -> Outcome {
        let sights = PlanSights(db)
        let drafts = batch.map { PlanDraft(of: $0, sights) }
        var rounds = 0
        repeat {
            for draft in drafts where draft.end == .unread { draft.drawUp(plan) }
            rounds += 1
        } while try rounds < Self.roundsMax && sights.read()

        var (outcome, ready): (Outcome, [PlanDraft]) = (Outcome(), [])
        var taken: Set<String> = []
        for draft in drafts {
            if !draft.names.isDisjoint(with: sights.refused) {
                outcome.busy.append(draft.pending)
            } else if draft.end != .drawnUp || draft.pending.crashes >= Limits.plansStartedMax {
                outcome.odd.insert(draft.pending.seq)
                outcome.left.append(draft.pending)
            } else if !draft.names.isDisjoint(with: taken) {
                outcome.left.append(draft.pending)
            } else {
                ready.append(draft)
            }
            taken.formUnion(draft.names)
        }
        try write(ready, &outcome)
        return outcome
    }

    /// Writes all of them; where one of them cannot be written, each of them is to be planned alone.
    private func write(_ drafts: [PlanDraft], _ outcome: inout Outcome) throws {
        guard !drafts.isEmpty else { return }
        let lanes = drafts.flatMap(\.lanes)
        do {
            outcome.hasNewWork = try db.inSavepoint {
                let trial = try db.askToTry(lanes)
                let started = try PlanWriting(plans: drafts.map { ($0.pending, $0.writes) }, now: now, db: db).write()
                guard try db.refused(in: trial).isEmpty else { throw Transaction.Busy() }
                return try started?.rows().contains(true) ?? false
            }
            outcome.planned = drafts.map(\.pending)
        } catch let error where error is Transaction.Busy || !PostgresTrouble.isGeneral(error) {
            outcome.odd.formUnion(drafts.map(\.pending.seq))
            outcome.left = (outcome.left + drafts.map(\.pending)).sorted { $0.seq < $1.seq }
        }
    }
}

extension PlanDraft {
    fileprivate var lanes: [String] {
        writes.jobs.compactMap { job in job.lane.map { Locks.lane(job.call.destination, $0) } }
    }
}
