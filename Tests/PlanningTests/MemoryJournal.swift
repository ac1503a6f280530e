internal import Journal
internal import Model

/// A journal in memory, as far as planning sees one.
///
/// It checks its caller: what must be there first, is.
final class MemoryJournal: PlanTransaction {
    struct Misuse: Error, CustomStringConvertible { var description: String }

    struct Subject {
        var parent: SubjectID?
        var provenParent: SubjectID?
        var identifiers: [SubjectIdentifier] = []
        var state = SubjectState()
    }

    struct Job {
        var new: NewJob
        var isWaiting: Bool
    }

    var events: [EventID: Event] = [:]
    var homes: [EventID: SubjectID] = [:]
    var subjects: [SubjectID: Subject] = [:]
    var order: [SubjectID] = []
    var joins: [SubjectJoin] = []
    var facts: [String: Fact] = [:]
    var links: Set<String> = []
    var jobs: [EffectKey: Job] = [:]
    var decisions: [Decision] = []
    var alerts: [NewAlert] = []

    // Subjects.

    func root(of subject: SubjectID) -> SubjectID {
        subjects[subject]?.parent.map { root(of: $0) } ?? subject
    }

    func provenRoot(of subject: SubjectID) -> SubjectID {
        subjects[subject]?.provenParent.map { provenRoot(of: $0) } ?? subject
    }

    func tree(_ root: SubjectID) -> [SubjectID] { order.filter { self.root(of: $0) == root } }

    func whole(_ root: SubjectID) -> [SubjectIdentifier] { tree(root).flatMap { subjects[$0]?.identifiers ?? [] } }

    func holders(of identifiers: [SubjectIdentifier]) -> [SubjectSketch] {
        let roots = Dictionary(grouping: order) { root(of: $0) }.mapValues(ids)
        let parts = Dictionary(grouping: order) { provenRoot(of: $0) }.mapValues { exclusive(ids($0)) }
        let wholes = roots.mapValues(exclusive)
        let ages = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) })
        var sketches: [SubjectSketch] = []
        for identifier in identifiers {
            for holder in order {
                guard let held = ids([holder]).first(where: { $0.description == identifier.description }) else {
                    continue
                }
                let root = root(of: holder)
                sketches.append(
                    SubjectSketch(
                        root: root, holder: holder, identifier: held, exclusive: wholes[root] ?? [],
                        identifierCount: roots[root]?.count ?? 0,
                        isAddressOnly: !ids([holder]).contains { $0.basis == .proven },
                        exclusiveByProof: parts[provenRoot(of: holder)]))
            }
        }
        return sketches.enumerated().sorted {
            (ages[$0.element.root] ?? 0, $0.offset) < (ages[$1.element.root] ?? 0, $1.offset)
        }.map(\.element)
    }

    private func ids(_ subjects: [SubjectID]) -> [SubjectIdentifier] {
        subjects.flatMap { self.subjects[$0]?.identifiers ?? [] }
    }

    private func exclusive(_ ids: [SubjectIdentifier]) -> Set<SubjectIdentifier> {
        Set(ids.filter { $0.kind.isExclusive && $0.basis == .proven })
    }

    func createSubject(_ id: SubjectID, for event: EventID, at now: Instant) throws {
        guard subjects[id] == nil else { throw Misuse(description: "the subject was created before") }
        subjects[id] = Subject()
        order.append(id)
    }

    func addIdentifier(_ identifier: SubjectIdentifier, to subject: SubjectID, event: EventID) throws {
        guard subjects[subject] != nil else { throw Misuse(description: "an identifier of no subject") }
        subjects[subject]?.identifiers.removeAll { $0.kind == identifier.kind && $0.value == identifier.value }
        subjects[subject]?.identifiers.append(identifier)
    }

    func join(_ join: SubjectJoin, event: EventID, at now: Instant) throws {
        guard subjects[join.child] != nil, subjects[join.root] != nil, root(of: join.child) == join.child,
            root(of: join.root) == join.root, join.child != join.root,
            root(of: join.childHolder) == join.child, root(of: join.rootHolder) == join.root
        else { throw Misuse(description: "a join of what are no two roots") }
        let state = (subjects[join.root]?.state ?? SubjectState()).merged(
            with: subjects[join.child]?.state ?? SubjectState())
        subjects[join.child]?.parent = join.root
        subjects[join.root]?.state = state
        if join.basis == .proven {
            let (child, root) = (provenRoot(of: join.childHolder), provenRoot(of: join.rootHolder))
            if child != root { subjects[child]?.provenParent = root }
        }
        joins.append(join)
    }

    func assign(_ event: EventID, to subject: SubjectID) { homes[event] = subject }
    func state(of root: SubjectID) -> SubjectState { subjects[root]?.state ?? SubjectState() }
    func setState(_ state: SubjectState, of root: SubjectID) throws {
        guard subjects[root]?.parent == nil else { throw Misuse(description: "a state of what is no root") }
        subjects[root]?.state = state
    }
    func identifiers(of root: SubjectID) -> [SubjectIdentifier] { whole(root) }

    // Facts.

    func fact(_ key: String) -> Fact? { facts[key] }
    func facts(ofObject object: String) -> [Fact] {
        facts.values.filter { $0.object == object }.sorted { $0.key < $1.key }
    }
    func waitingFacts(of root: SubjectID) -> [Fact] {
        jobs.values.filter { $0.isWaiting && self.root(of: $0.new.subject) == root }
            .compactMap { $0.new.fact.flatMap { facts[$0] } }.sorted { $0.key < $1.key }
    }
    func putFact(_ fact: Fact) { facts[fact.key] = fact }
    func link(_ event: EventID, to factKey: String) { links.insert("\(event) \(factKey)") }

    // Decisions and jobs.

    func event(_ id: EventID) -> Event? { events[id] }
    func effect(_ key: EffectKey) -> PlannedEffect? {
        jobs[key].map {
            PlannedEffect(
                key: key, job: $0.new.id, state: $0.isWaiting ? .waiting : .available, isWaitingForField: $0.isWaiting)
        }
    }
    func insert(_ job: NewJob, at now: Instant) throws {
        guard jobs[job.effect] == nil else { throw Misuse(description: "one effect was planned twice") }
        guard job.fact.map({ facts[$0] != nil }) ?? true else { throw Misuse(description: "a job of no fact") }
        jobs[job.effect] = Job(new: job, isWaiting: job.waitsFor != nil)
    }
    func wake(_ job: JobID, at now: Instant) throws {
        guard let key = jobs.first(where: { $0.value.new.id == job && $0.value.isWaiting })?.key else {
            throw Misuse(description: "woke what does not wait")
        }
        jobs[key]?.isWaiting = false
    }
    func record(_ decision: Decision) { decisions.append(decision) }
    func openAlert(_ alert: NewAlert) { alerts.append(alert) }
}
