package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// Plans an event as it would be planned, and writes nothing.
///
/// Pure but for what it reads. The identifiers of an event that was planned before are linked already, so what is left
/// out of the writes is missed by none of its own readings.
package struct Rehearsal: Sendable {
    private let settings: Settings
    private let connectors: ConnectorSet
    private let planner: Planner

    package init(settings: Settings, connectors: ConnectorSet, mint: IDMint) {
        self.settings = settings
        self.connectors = connectors
        planner = Planner(settings: settings, connectors: connectors, mint: mint)
    }

    /// `asNew`: as if none of its effects was ever planned; else as a replay would.
    package func run(_ event: Event, reading journal: any PlanTransaction, asNew: Bool, now: Instant) throws
        -> Rehearsed
    {
        let plan = RehearsedPlan(journal: journal, asNew: asNew)
        try planner.plan(event, in: plan, now: now)
        let effects = try plan.jobs.map { job in
            Rehearsed.Effect(job: job, fields: try fields(of: job, event, in: plan))
        }
        return Rehearsed(decisions: plan.decisions, effects: effects)
    }

    private func fields(of job: NewJob, _ event: Event, in plan: RehearsedPlan) throws -> JSONObject {
        guard let flow = settings.flow(job.flow), let action = connectors.action(job.call) else { return JSONObject() }
        var data = event.data
        if let fact = try job.fact.flatMap({ try plan.fact($0) }) {
            data = FactMerge.view(of: fact, object: try fact.object.flatMap { try plan.fact($0) })
        }
        let root = try plan.root(of: job.subject)
        let scope = Scope(
            data: data, event: ScopeObjects.event(event),
            subject: ScopeObjects.subject(
                id: root, identifiers: try plan.identifiers(of: root), state: try plan.state(of: root)),
            effect: ["key": .string(job.effect.text)])
        var fields = JSONObject()
        for assignment in flow.set ?? action.defaults {
            if let value = assignment.value.value(in: scope), !value.isAbsent { fields[assignment.name] = value }
        }
        return fields
    }
}

/// Reads the journal, and keeps what a plan would write for itself.
final class RehearsedPlan: PlanTransaction {
    private let journal: any PlanTransaction
    private let asNew: Bool
    private(set) var decisions: [Decision] = []
    private(set) var jobs: [NewJob] = []
    private var facts: [String: Fact] = [:]
    private var states: [SubjectID: SubjectState] = [:]
    private var added: [SubjectID: [SubjectIdentifier]] = [:]
    private var roots: [SubjectID: SubjectID] = [:]

    init(journal: any PlanTransaction, asNew: Bool) {
        self.journal = journal
        self.asNew = asNew
    }

    /// The subject whose state and identifiers a job at that subject reads, as far as this plan has come to know it.
    func root(of subject: SubjectID) throws -> SubjectID { roots[subject] ?? subject }

    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch] {
        let holders = try journal.holders(of: identifiers)
        for holder in holders { roots[holder.holder] = holder.root }
        return holders
    }

    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) {}
    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) {
        added[subject, default: []].append(identifier)
    }
    func join(_ join: SubjectJoin, event: EventID, at now: Instant) { roots[join.child] = join.root }
    func assign(_ event: EventID, to subject: SubjectID) {}
    func state(of root: SubjectID) throws -> SubjectState { try states[root] ?? journal.state(of: root) }
    func setState(_ state: SubjectState, of root: SubjectID) { states[root] = state }

    func identifiers(of root: SubjectID) throws -> [SubjectIdentifier] {
        var newest = try journal.identifiers(of: root)
        for identifier in added[root] ?? [] {
            newest.removeAll { $0.kind == identifier.kind }
            newest.append(identifier)
        }
        return newest
    }

    func fact(_ key: String) throws -> Fact? { try facts[key] ?? journal.fact(key) }
    func facts(ofObject object: String) throws -> [Fact] {
        let known = try journal.facts(ofObject: object)
        let fresh = facts.values.filter { fact in fact.object == object && !known.contains { $0.key == fact.key } }
        return known.map { facts[$0.key] ?? $0 } + fresh.sorted { $0.key < $1.key }
    }
    func waitingFacts(of root: SubjectID) throws -> [Fact] { try journal.waitingFacts(of: root) }
    func putFact(_ fact: Fact) { facts[fact.key] = fact }
    func link(_ event: EventID, to factKey: String) {}

    func event(_ id: EventID) throws -> Event? { try journal.event(id) }
    func effect(_ key: EffectKey) throws -> PlannedEffect? { asNew ? nil : try journal.effect(key) }
    func insert(_ job: NewJob, at now: Instant) { jobs.append(job) }
    func wake(_ job: JobID, at now: Instant) {}
    func record(_ decision: Decision) { decisions.append(decision) }
    func openAlert(_ alert: NewAlert) {}
}
