package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// Turns one pending event into links, facts, states and jobs.
///
/// Reads, decides by pure rules, writes, all in the transaction that takes the event off `pending`. Planned again, the
/// same event changes nothing: identifiers, facts and states merge, and effects are known by their keys.
package struct Planner: Sendable {
    private let settings: Settings
    private let connectors: ConnectorSet
    private let mint: IDMint

    package init(settings: Settings, connectors: ConnectorSet, mint: IDMint) {
        self.settings = settings
        self.connectors = connectors
        self.mint = mint
    }

    package func plan(_ event: Event, in tx: any PlanTransaction, now: Instant) throws {
        let identifiers = EventIdentifiers(of: event, catalogue: settings.catalogue)
        let link = SubjectLinker.plan(
            identifiers, among: try tx.holders(of: identifiers.lookups), fresh: mint.make())
        try LinkWriter(event: event, now: now, tx: tx).write(link)

        var facts = FactWriter(event: event, home: link.home, tx: tx)
        let told = try facts.write()
        let state = try moveState(told?.key ?? event.id.description, event, root: link.root, in: tx)

        if event.role == .states && !isHeard(event.type) {
            try tx.record(Decision(event: event.id, subject: link.home, at: now, outcome: .noFlow))
        }
        var matters = told.map { [$0] } ?? []
        for fact in facts.enriched { try add(fact, &matters, in: tx, within: now) }
        if !link.isNew {
            for fact in try tx.waitingFacts(of: link.root) { try addWaiting(fact, &matters, in: tx) }
        }
        guard matters.contains(where: { isHeard($0.type) }) else { return }
        var run = try FlowRun(
            settings: settings, connectors: connectors, mint: mint, event: event, root: link.root, now: now,
            state: state, tx: tx)
        for matter in matters { try run.evaluate(matter) }
    }

    private func isHeard(_ type: EventType) -> Bool { settings.flows.contains { $0.on.contains(type) } }

    private func moveState(_ fact: String, _ event: Event, root: SubjectID, in tx: any PlanTransaction) throws
        -> SubjectState
    {
        var state = try tx.state(of: root)
        if let statement = StateRules.statement(of: event, fact: fact),
            state.record(statement.register, for: statement.aspect)
        {
            try tx.setState(state, of: root)
        }
        return state
    }

    /// A fact to which this event added something.
    ///
    /// Enrichment starts flows for as long as a job would have waited for it: a payment of last year is not greeted
    /// because its dispute brings an address.
    private func add(
        _ change: FactWriter.Enriched, _ matters: inout [Matter], in tx: any PlanTransaction, within now: Instant
    ) throws {
        guard let type = change.fact.type, isHeard(type), let event = try tx.event(change.fact.event),
            event.receivedAt + settings.enrichFor >= now
        else { return }
        matters.append(matter(change.fact, type, event, data: change.data, before: change.dataBefore))
    }

    /// A fact whose job waits: a join, an identifier or a newer state of its subject may bring the field.
    private func addWaiting(_ fact: Fact, _ matters: inout [Matter], in tx: any PlanTransaction) throws {
        guard let type = fact.type, isHeard(type), !matters.contains(where: { $0.key == fact.key }),
            let event = try tx.event(fact.event)
        else { return }
        let object = try fact.object.flatMap { try tx.fact($0) }
        let data = FactMerge.view(of: fact, object: object)
        matters.append(matter(fact, type, event, data: data, before: data))
    }

    private func matter(
        _ fact: Fact, _ type: EventType, _ event: Event, data: JSONObject, before: JSONObject
    ) -> Matter {
        Matter(
            key: fact.key, type: type, object: fact.object, subject: fact.subject, event: event, data: data,
            dataBefore: before)
    }
}
