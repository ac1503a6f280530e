internal import Journal
internal import Model

/// What the plans of a batch have asked of the journal: what is new is read for all of them at once.
///
/// Good for as long as nothing is written.
final class PlanSights {
    /// The answer is not here yet; it comes with the next `read()`.
    struct Unread: Error {}

    private struct Name: Hashable {
        var kind: String
        var value: String

        init(_ identifier: SubjectIdentifier) { (kind, value) = (identifier.kind.name, identifier.value) }
    }

    /// Who held an identifier when it was read last.
    private struct Holding {
        var holders: Result<[Subjects.Holder], any Error>
        var round: Int
    }

    private let db: Transaction
    private var round = 0
    private var holdings: [Name: Holding] = [:]
    private var wantedNames: Set<String> = []
    private var wantedHoldings: [SubjectIdentifier] = []
    /// The round in which a name came to be held.
    private var heldSince: [String: Int] = [:]
    /// Names that others hold.
    private(set) var refused: Set<String> = []

    let identifiers = PlanShelf(ask: { try Subjects.askForIdentifiers(of: $0, $1) }, make: { rows, _ in rows })
    let isProven = PlanShelf(ask: { try Subjects.askWhetherProven($0, $1) }, make: { rows, _ in rows == [true] })
    let proven = PlanShelf(ask: { try Subjects.askForProven(with: $0, $1) }, make: { rows, _ in rows })
    let states = PlanShelf(ask: { try States.ask(of: $0, $1) }, make: { try States.state(in: $0, of: $1) })
    let facts = PlanShelf(ask: { try Facts.ask(for: $0, $1) }, make: { rows, _ in rows.first })
    let factsOfObject = PlanShelf(ask: { try Facts.ask(ofObjects: $0, $1) }, make: { rows, _ in rows })
    let waitingFacts = PlanShelf(ask: { try Facts.askForWaiting(of: $0, $1) }, make: { rows, _ in rows })
    let events = PlanShelf(ask: { try Events.ask(for: $0, $1) }, make: { rows, _ in rows.first })
    let effects = PlanShelf(ask: { try Effects.ask(for: $0, $1) }, make: { rows, _ in rows.first })

    private var shelves: [any PlanShelving] {
        [identifiers, isProven, proven, states, facts, factsOfObject, waitingFacts, events, effects]
    }

    init(_ db: Transaction) { self.db = db }

    /// Reads all that was asked for, in one way to the server; false where nothing was.
    func read() throws -> Bool {
        guard !wantedNames.isEmpty || !wantedHoldings.isEmpty || shelves.contains(where: \.isAsked) else {
            return false
        }
        round += 1
        // What hangs on a whole is only good behind the lock on it.
        if wantedNames.contains(where: { Locks.isSubject($0) && !db.holds($0) }) {
            for shelf in shelves { shelf.refresh() }
        }
        // Each statement sees what was committed before it began: what is asked behind a lock sees what it kept out.
        let trial = try db.askToTry(wantedNames)
        let wanted = wantedHoldings
        let holders = try wanted.isEmpty ? nil : Subjects.askForHolders(of: wanted, db)
        for shelf in shelves { try shelf.send(db) }
        refused.formUnion(try db.refused(in: trial))
        for name in wantedNames where heldSince[name] == nil { heldSince[name] = round }
        for (identifier, holders) in zip(wanted, try holders?.rows() ?? []) {
            holdings[Name(identifier)] = Holding(holders: holders, round: round)
        }
        for shelf in shelves { try shelf.receive() }
        (wantedNames, wantedHoldings) = ([], [])
        return true
    }

    /// Holds the identifiers and all wholes at which they hang, and tells of each who holds it, as
    /// `Subjects.holdAndSketch` does.
    func holders(of identifiers: [SubjectIdentifier]) throws -> [SubjectSketch] {
        var found: [[Subjects.Holder]] = []
        var isUnread = false
        for identifier in identifiers {
            if refused.contains(Locks.identifier(identifier.kind.name, identifier.value)) {
                // The event will not be planned now, whoever it is about.
                found.append([])
            } else if let holding = holdings[Name(identifier)], try isHeld(holding.holders.get(), since: holding.round)
            {
                found.append(try holding.holders.get())
            } else {
                want(identifier)
                isUnread = true
            }
        }
        if isUnread { throw Unread() }
        let sketches = Subjects.inOrder(found).map { holder, place in
            Result { try sketch(of: holder, identifiers[place]) }
        }
        return try sketches.map { try $0.get() }
    }

    /// Whether the wholes at which it hangs were held already when it was read.
    private func isHeld(_ holders: [Subjects.Holder], since round: Int) -> Bool {
        holders.allSatisfy { holder in
            let name = Locks.subject(holder.root)
            return db.holds(name) && heldSince[name] ?? 0 <= round || refused.contains(name)
        }
    }

    private func want(_ identifier: SubjectIdentifier) {
        // Each is asked for together with its name.
        let name = Locks.identifier(identifier.kind.name, identifier.value)
        if wantedNames.insert(name).inserted { wantedHoldings.append(identifier) }
        for holder in (try? holdings[Name(identifier)]?.holders.get()) ?? [] {
            wantedNames.insert(Locks.subject(holder.root))
            // What will be asked of it then.
            identifiers.want(holder.root)
            isProven.want(holder.holder)
            proven.want(holder.holder)
            states.want(holder.root)
            waitingFacts.want(holder.root)
        }
    }

    private func sketch(of holder: Subjects.Holder, _ identifier: SubjectIdentifier) throws -> SubjectSketch {
        // All three are asked for before the first that is missing ends it.
        let all = Result { try identifiers.value(of: holder.root) }
        let isProven = Result { try self.isProven.value(of: holder.holder) }
        let proven = Result { try self.proven.value(of: holder.holder) }
        return Subjects.sketch(
            holder, identifier, all: Subjects.identifiers(in: try all.get()), isProven: try isProven.get(),
            proven: try proven.get())
    }
}

/// Answers to one kind of question.
final class PlanShelf<Key: Hashable, Row, Value> {
    private let ask: ([Key], Transaction) throws -> Transaction.AskedForMany<Row>
    private let make: ([Row], Key) throws -> Value
    private var answers: [Key: Result<Value, any Error>] = [:]
    private var wanted: Set<Key> = []
    private var asked: (keys: [Key], rows: Transaction.AskedForMany<Row>)?

    fileprivate init(
        ask: @escaping ([Key], Transaction) throws -> Transaction.AskedForMany<Row>,
        make: @escaping ([Row], Key) throws -> Value
    ) {
        self.ask = ask
        self.make = make
    }

    /// Throws `Unread` where it has not been read; what was wrong with the rows where they cannot be.
    func value(of key: Key) throws -> Value {
        guard let answer = answers[key] else {
            wanted.insert(key)
            throw PlanSights.Unread()
        }
        return try answer.get()
    }

    /// Has it read with what is asked next.
    func want(_ key: Key) { wanted.insert(key) }
}

private protocol PlanShelving {
    var isAsked: Bool { get }
    /// Has all of it read once more.
    func refresh()
    func send(_ db: Transaction) throws
    func receive() throws
}

extension PlanShelf: PlanShelving {
    fileprivate var isAsked: Bool { !wanted.isEmpty }

    fileprivate func refresh() { wanted.formUnion(answers.keys) }

    fileprivate func send(_ db: Transaction) throws {
        guard !wanted.isEmpty else { return }
        let keys = Array(wanted)
        asked = (keys, try ask(keys, db))
        wanted = []
    }

    fileprivate func receive() throws {
        guard let (keys, asked) = asked else { return }
        self.asked = nil
        for (key, rows) in zip(keys, try asked.rows()) {
            answers[key] = rows.flatMap { rows in Result { try make(rows, key) } }
        }
    }
}
