import Journal
import JournalPostgres
import JournalSQLite
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

/// Makes and reopens one journal: what a store brings to run the contract's tests.
protocol JournalFactory: Sendable {
    /// Opens the factory's journal, made new the first time.
    func open() async throws -> any JournalStore
    func close(_ journal: any JournalStore) async throws
    /// Returns when all that was written can be followed.
    func calm() async throws
}

struct SQLiteFactory: JournalFactory {
    let folder: TemporaryFolder
    var path: String { folder.file("journal.db") }

    init() throws { folder = try TemporaryFolder() }

    func open() async throws -> any JournalStore { try SQLiteJournal.open(path: path) }
    func close(_ journal: any JournalStore) async throws { try await (journal as? SQLiteJournal)?.close() }
    func calm() async throws {}
}

/// The stores that obey the contract.
enum Store: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgres

    /// Without an installed server there is nothing to run Postgres on.
    static var all: [Store] { PostgresServer.isInstalled ? allCases : [.sqlite] }

    var testDescription: String { rawValue }

    func factory() async throws -> any JournalFactory {
        switch self {
        case .sqlite: try SQLiteFactory()
        case .postgres: try await PostgresFactory()
        }
    }
}

let start = Instant(seconds: 1_795_000_000)

/// A journal with what tests put into it.
final class Bench: Sendable {
    let factory: any JournalFactory
    let journal: any JournalStore
    private let chance: SeededChance

    init(_ factory: any JournalFactory, seed: UInt64 = 1) async throws {
        self.factory = factory
        journal = try await factory.open()
        chance = SeededChance(seed: seed)
    }

    convenience init(_ store: Store, seed: UInt64 = 1) async throws {
        try await self.init(try await store.factory(), seed: seed)
    }

    /// On the embedded journal.
    convenience init() async throws { try await self.init(.sqlite) }

    /// The same journal in the hands of a next owner.
    func reopened() async throws -> Bench {
        try await factory.close(journal)
        return try await Bench(factory, seed: chance.next())
    }

    func id<Tag>(at moment: Instant = start) -> Identifier<Tag> {
        Identifier(at: moment, random: (chance.next(), chance.next()))
    }

    func event(
        _ type: EventType = .leadCaptured, external: String? = nil, source: String = "chat",
        at moment: Instant = start, session: String? = "s1", data: JSONObject = [:]
    ) -> Event {
        let id: EventID = id(at: moment)
        return Event(
            id: id, source: source, externalID: external ?? "x-\(id)", externalType: type.name, type: type,
            occurredAt: moment, receivedAt: moment, session: session, data: data)
    }

    func kept(_ external: String, kind: KeptDelivery.Kind = .quarantined) -> KeptDelivery {
        KeptDelivery(
            id: id(), kind: kind, source: "chat", externalID: external, code: "invalid_field", reason: "no type",
            receivedAt: start, payload: Array("{}".utf8))
    }

    @discardableResult
    func receive(_ events: Event...) async throws -> [Appended] {
        try await journal.append(events.map { .event($0, payload: Array($0.externalID.utf8)) })
    }

    @discardableResult
    func plan(
        limit: Int = 256, at moment: Instant = start,
        _ body: @escaping @Sendable (Event, any PlanTransaction) throws -> Void
    ) async throws -> PlanSummary {
        try await journal.planPending(limit: limit, now: moment, plan: body)
    }

    /// Plans what is pending, and tells what `body` gave when it was called last: before that it may have read less than
    /// there is.
    func told<Value: Sendable>(_ body: @escaping @Sendable (Event, any PlanTransaction) throws -> Value) async throws
        -> Value
    {
        let told = Mutex<Value?>(nil)
        let summary = try await plan { event, tx in
            let value = try body(event, tx)
            told.withLock { $0 = value }
        }
        #expect(summary.unplannable.isEmpty)
        return try #require(told.withLock { $0 })
    }

    /// A subject with these identifiers, made by an event of its own.
    func subject(_ identifiers: SubjectIdentifier...) async throws -> SubjectID {
        let (event, subject): (Event, SubjectID) = (event(), id())
        try await receive(event)
        try await plan { event, tx in
            try tx.createSubject(subject, for: event.id, at: start)
            for identifier in identifiers { try tx.addIdentifier(identifier, to: subject, event: event.id) }
            try tx.assign(event.id, to: subject)
        }
        return subject
    }

    func newJob(
        _ subject: SubjectID, of event: EventID, destination: String = "crm", action: String = "upsert",
        flow: String = "f", lane: String?, fact: String? = nil, at moment: Instant = start,
        waitsFor: WaitCause? = nil, stops: Bool = false, priority: Int = 0
    ) -> NewJob {
        let id: JobID = id()
        let call = Flow.Call(destination: destination, action: action)
        return NewJob(
            id: id, effect: EffectKey(flow: flow, call: call, fact: "\(event)-\(id)"), flow: flow, call: call,
            event: event, fact: fact, subject: subject, lane: lane, priority: priority, startsAt: moment,
            waitsFor: waitsFor, waitsUntil: waitsFor == nil ? nil : moment + .seconds(3600), stopsLaneWhenDead: stops)
    }

    /// A job in the subject's lane, out of an event of its own.
    @discardableResult
    func job(
        _ subject: SubjectID, destination: String = "crm", action: String = "upsert", lane: String?? = nil,
        fact: String? = nil, at moment: Instant = start, waitsFor: WaitCause? = nil, stops: Bool = false,
        priority: Int = 0
    ) async throws -> JobID {
        let event = event()
        let lane = lane ?? subject.description
        let job = newJob(
            subject, of: event.id, destination: destination, action: action, lane: lane, fact: fact, at: moment,
            waitsFor: waitsFor, stops: stops, priority: priority)
        try await receive(event)
        try await plan { event, tx in
            try tx.assign(event.id, to: subject)
            try tx.insert(job, at: start)
        }
        return job.id
    }

    func claim(_ destination: String = "crm", limit: Int = 10, at moment: Instant = start) async throws -> [ClaimedJob]
    {
        try await journal.exchange(
            [], claims: [ClaimRequest(destination: destination, limit: limit)], node: "n", now: moment
        ).claimed
    }

    @discardableResult
    func settle(
        _ job: ClaimedJob, _ result: Settlement.Result, outcome: AttemptEnd.Outcome = .succeeded,
        at moment: Instant = start
    ) async throws -> Exchange {
        let end = AttemptEnd(outcome: outcome, endedAt: moment, durationMilliseconds: 5)
        return try await journal.exchange(
            [Settlement(job: job.id, token: job.token, result: result, attempt: end)], claims: [], node: "n",
            now: moment)
    }

    func newestChange() async throws -> ChangeCursor {
        try await factory.calm()
        return try await journal.newestChange(now: start)
    }

    func changes(after cursor: ChangeCursor, until: Instant, limit: Int) async throws -> [Change] {
        try await factory.calm()
        return try await journal.changes(after: cursor, until: until, limit: limit)
    }

    func state(_ job: JobID) async throws -> JobState? { try await journal.job(job)?.row.state }
}

/// The code of the failure that `body` throws; nil where it throws none.
func failure(_ body: () async throws -> Void) async -> Failure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? Failure
    }
}
