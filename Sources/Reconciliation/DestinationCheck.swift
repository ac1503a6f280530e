internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams
internal import Settings

/// What flows were to do at a destination, held against what is there.
struct DestinationCheck {
    static let stretch = 500

    /// One call of one flow for one event.
    private struct Case {
        var work: PlannedWork
        var flow: String
        var call: Flow.Call
        var job: JobRow?
        var kept: Comparison.Kept
    }

    let destination: String
    let provider: any RecordProvider
    let flows: [Flow]
    let journal: any ReconciliationJournal
    let time: any TimeSource
    /// Sources that are compared themselves: an event of theirs that could not be planned is told there, once.
    let comparedSources: Set<String>

    func perform(_ ledger: inout RunLedger) async throws {
        let types = flows.reduce(into: Set<EventType>()) { $0.formUnion($1.on) }
        let window = WorkWindow(
            types: types, destination: destination, since: ledger.run.since, until: ledger.run.until)
        var survey = provider.survey(since: ledger.run.since)
        var seen: Set<String> = []
        var before: Int64?
        repeat {
            let page = try await journal.work(in: window, before: before, limit: Self.stretch)
            let cases = page.items.flatMap(cases(of:))
            let wanted = cases.compactMap(wanted(of:))
            let found = wanted.isEmpty ? [:] : try await ask(wanted, &survey)
            for one in cases { judge(one, found, &seen, &ledger) }
            if survey.isCut { ledger.cut() }
            try await journal.keepDifferences(ledger.takeFresh(), of: ledger.run.id)
            before = page.next
            try Task.checkCancellation()
        } while before != nil
    }

    private func ask(_ wanted: [WantedRecord], _ survey: inout any RecordSurvey) async throws -> [JobID: FoundRecord] {
        var current = survey
        defer { survey = current }
        return try await patiently(on: time) { () throws(Setback) in try await current.find(wanted) }
    }

    // MARK: What was to be done

    private func cases(of work: PlannedWork) -> [Case] {
        // What only adds to another event plans nothing by itself, and of an erased person nothing is asked.
        let isToldAtSource = work.isUnplannable && comparedSources.contains(work.event.source)
        guard work.event.role == .states, !isToldAtSource,
            !work.jobs.contains(where: { $0.effect.text.hasPrefix("erased/") })
        else {
            return []
        }
        return flows.filter { $0.on.contains(work.event.type) }.flatMap { flow in
            flow.calls.filter { $0.destination == destination && provider.comparedActions.contains($0.action) }
                .compactMap { self.case(of: work, flow, $0) }
        }
    }

    private func `case`(of work: PlannedWork, _ flow: Flow, _ call: Flow.Call) -> Case? {
        let job = Self.newest(work.jobs, flow: flow.id, call: call)
        // A flow that does not act for everybody asks for nothing where it did not act.
        guard job != nil || flow.rollout == .on else { return nil }
        return Case(
            work: work, flow: flow.id, call: call, job: job,
            kept: Comparison.Kept(work, flow: flow.id, call: call.name, job: job))
    }

    /// The newest generation of the flow's job: repeats come later.
    private static func newest(_ jobs: [JobRow], flow: String, call: Flow.Call) -> JobRow? {
        let action = call.action + (call.alias.map { "#\($0)" } ?? "")
        return jobs.last { $0.flow == flow && $0.destination == call.destination && $0.action == action }
    }

    private func wanted(of one: Case) -> WantedRecord? {
        guard one.kept == .done, let job = one.job, let record = job.record else { return nil }
        let siblings = one.work.records.map(\.record).filter { $0.kind == record.kind }.map(\.id)
        let emails = one.work.identifiers.filter { $0.kind == .email }.map(\.value)
        return WantedRecord(
            job: job.id, action: one.call.action, effect: job.effect, record: record, siblings: siblings,
            emails: emails, state: one.work.state)
    }

    // MARK: What is there

    private func judge(
        _ one: Case, _ found: [JobID: FoundRecord], _ seen: inout Set<String>, _ ledger: inout RunLedger
    ) {
        let record = one.job.flatMap { found[$0.id] }
        let told: Comparison.Told =
            if let record {
                record.ids.count > 1 ? .double(count: record.ids.count) : .there(differing: record.differing)
            } else { .nothing }
        let judgement = Comparison.judge(kept: one.kept, told: told)
        // One record bears the work of several events: what is amiss with it is told once for each flow, a double once.
        if case .differs(let cause, _) = judgement, cause == .changed || cause == .double {
            let name = record?.ids.first ?? one.job?.record?.id ?? ""
            let mark = "\(cause.rawValue) \(name)" + (cause == .double ? "" : " \(one.flow) \(one.call.name)")
            guard seen.insert(mark).inserted else { return }
        }
        ledger.note(judgement, in: one.flow) { cause, detail in
            Difference(
                number: 0, cause: cause, sample: "", key: one.job?.record?.id ?? one.work.event.id.description,
                event: one.work.event.id, job: one.job?.id,
                records: record?.ids ?? one.job?.record.map { [$0.id] } ?? [], at: one.work.event.receivedAt,
                detail: detail)
        }
    }
}
