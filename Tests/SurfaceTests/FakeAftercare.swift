import API
import Journal
import Model
import Seams
import Synchronization

/// Runs, receipts and ages of a few rows in memory.
final class FakeAftercare: ReconciliationJournal, SubjectJournal, PruningJournal, ReconciliationControl {
    struct State {
        var runs: [Reconciliation] = []
        var differences: [Difference] = []
        var standings: [EventID: EventStanding] = [:]
        var told: [String: [EventRow]] = [:]
        var secrets: [String: [UInt8]] = [:]
        var repaired: [ReconciliationID] = []
        var pruned: [Int64] = []
    }

    private let state = Mutex(State())
    let places = ["crm", "stripe"]
    func set(_ change: @Sendable (inout State) -> Void) { state.withLock { change(&$0) } }
    func get<Value: Sendable>(_ read: @Sendable (State) -> Value) -> Value { state.withLock { read($0) } }

    func work(in window: WorkWindow, before: Int64?, limit: Int) async throws -> WorkPage {
        WorkPage(items: [], next: nil)
    }
    func arrivals(at source: String, externalIDs: [String]) async throws -> [String: ArrivalStanding] { [:] }
    func factEvents(_ keys: [String]) async throws -> [String: EventID] { [:] }
    func statuses(ofObjects objects: [String]) async throws -> [String: String] { [:] }
    func beginReconciliation(_ run: Reconciliation) async throws { set { $0.runs.append(run) } }
    func keepDifferences(_ differences: [Difference], of run: ReconciliationID) async throws {}
    func endReconciliation(_ run: Reconciliation) async throws {}
    func reconciliations(page: PageRequest) async throws -> Page<Reconciliation> {
        Page(items: get { $0.runs }, next: nil)
    }
    func reconciliation(_ id: ReconciliationID) async throws -> Reconciliation? {
        get { $0.runs.first { $0.id == id } }
    }
    func differences(of run: ReconciliationID, _ filter: DifferenceFilter, page: PageRequest) async throws
        -> Page<Difference>
    {
        let found = get { $0.differences }.filter { filter.causes.isEmpty || filter.causes.contains($0.cause) }
        return Page(items: found, next: nil)
    }
    func differenceCounts(of run: ReconciliationID) async throws -> [Difference.Cause: (all: Int, open: Int)] {
        [.changed: (3, 2)]
    }
    func noteRepair(_ repair: Difference.Repair, of number: Int, in run: ReconciliationID) async throws {}
    func repeatEffect(of job: JobID, mint: @escaping @Sendable () -> JobID, by actor: String, now: Instant)
        async throws -> JobID
    { mint() }
    func takeReconciliation(every interval: Duration, now: Instant) async throws -> Bool { false }

    func installationSecret(_ name: String, fresh: [UInt8]) async throws -> [UInt8] {
        state.withLock { state in
            let secret = state.secrets[name] ?? fresh
            state.secrets[name] = secret
            return secret
        }
    }
    func standing(of event: EventID) async throws -> EventStanding? { get { $0.standings[event] } }
    func told(in session: String) async throws -> [EventRow] { get { $0.told[session] ?? [] } }
    func holding(of root: SubjectID) async throws -> SubjectHolding {
        SubjectHolding(
            identifiers: [SubjectIdentifier(.email, "ada@example.com", .claimed)], joins: [], state: SubjectState(),
            facts: [], records: [])
    }
    func aged(before time: Instant, countingTo limit: Int) async throws -> AgedCounts {
        AgedCounts(payloads: 3, kept: 2, events: 1, oldest: Make.at)
    }

    func prunePayloads(before time: Instant, limit: Int) async throws -> Int { 0 }
    func pruneEvents(before time: Instant, after: Int64, limit: Int) async throws -> PrunedSlice {
        set { $0.pruned.append(after) }
        return PrunedSlice(erased: 1, next: after < 50 ? after + 1 : nil)
    }
    func believedTime() async throws -> Instant? { nil }
    func noteBelievedTime(_ time: Instant) async throws {}

    func order(place: String?, since: Instant?, by actor: String) async throws -> [Reconciliation] {
        if place == "nowhere" { throw Failure(.notFound, "nowhere cannot be compared", field: "source") }
        let run = Reconciliation(
            id: Make.id(9), place: place ?? "crm", side: .destination, since: since ?? Make.at, until: Make.after(1),
            startedAt: Make.at, startedBy: actor, samples: [.init(name: "new-lead", judged: 4, matched: 3)])
        set { $0.runs = [run] }
        return [run]
    }
    func repairPlan(of id: ReconciliationID, causes: Set<Difference.Cause>) async throws -> JSONObject {
        ["reconciliation": .string(id.description), "count": .int(Int64(causes.count)), "steps": []]
    }
    func orderRepair(of id: ReconciliationID, causes: Set<Difference.Cause>, by actor: String) async throws {
        set { $0.repaired.append(id) }
    }
}
