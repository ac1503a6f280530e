internal import Journal
internal import Model

extension SimulationRun {
    /// Asks every checker; the first of them that finds something is enough to fail.
    func checkAll(_ snapshot: Snapshot) {
        let providers = network.providers
        guard let hubspot = providers.hubspot, let zendesk = providers.zendesk, let hook = providers.hook,
            let slack = providers.slack
        else { return fail("providers", "a stand-in is gone") }
        let evidence = Evidence(
            deliveries: senders.records, calls: network.calls, hubspot: hubspot, zendesk: zendesk, hook: hook,
            slack: slack, snapshot: snapshot, operations: operations, hazards: hazards, lives: lives)
        let found: (String, String) -> Void = { rule, text in self.fail(rule, text) }
        IntakeChecker.check(evidence, found)
        JobChecker.check(evidence, found)
        EffectChecker.check(evidence, found)
        OrderChecker.check(evidence, found)
        PaceChecker.check(evidence, found)
        StateChecker.check(evidence, found)
        AlertChecker.check(evidence, found)
    }

    /// What was there before the power went is there after it.
    func checkSurvival(of first: Snapshot, in second: Snapshot) {
        let events = Set(second.events.map(\.row.event.id))
        for event in first.events where !events.contains(event.row.event.id) {
            fail("acknowledged-is-kept", "\(event.row.event.externalID) went with the power")
        }
        let jobs = Dictionary(second.jobs.map { ($0.row.id, $0.row.state) }, uniquingKeysWith: { one, _ in one })
        for job in first.jobs where jobs[job.row.id] != job.row.state {
            let now = jobs[job.row.id]?.rawValue ?? "gone"
            fail("settled-is-kept", "\(job.row.effect) was \(job.row.state.rawValue), and after a power loss is \(now)")
        }
    }
}
