internal import Journal
internal import Model

/// Who is who.
///
/// A tree of joined subjects is told by one root; it is never deep, since each member names the root.
enum Subjects {
    private static let holdersMax = 200

    static func root(of subject: SubjectID, _ db: Transaction) throws -> SubjectID {
        try db.first("SELECT root FROM subjects WHERE id = $1", subject) { try $0.id(0, SubjectTag.self) } ?? subject
    }

    static func tree(of root: SubjectID, _ db: Transaction) throws -> [SubjectID] {
        try db.rows("SELECT id FROM subjects WHERE root = $1 ORDER BY seq", root) { try $0.id(0) }
    }

    /// All identifiers of the whole, the newest last.
    static func identifiers(of root: SubjectID, _ db: Transaction) throws -> [SubjectIdentifier] {
        try identifiers(in: askForIdentifiers(of: [root], db).only())
    }

    fileprivate struct Name: Hashable {
        var kind: String
        var value: String
    }

    /// An identifier as an event gave it to one of the whole.
    struct Given {
        fileprivate var name: Name
        fileprivate var basis: SubjectIdentifier.Basis
        fileprivate var seq: Int64

        fileprivate init(name: Name, basis: SubjectIdentifier.Basis, seq: Int64) {
            (self.name, self.basis, self.seq) = (name, basis, seq)
        }

        init(_ identifier: SubjectIdentifier, seq: Int64) {
            self.init(
                name: Name(kind: identifier.kind.name, value: identifier.value), basis: identifier.basis, seq: seq)
        }
    }

    static func askForIdentifiers(of roots: [SubjectID], _ db: Transaction) throws -> Transaction.AskedForMany<Given> {
        try db.askForMany(
            "root", [SQLArray(roots)], count: roots.count,
            """
            SELECT kind, value, basis, identifiers.seq FROM subjects
            JOIN identifiers ON identifiers.subject = subjects.id WHERE subjects.root = wanted.root LIMIT $2
            """, Limits.identifiersPerSubjectMax * 8
        ) { Given(name: Name(kind: $0.text(1), value: $0.text(2)), basis: try $0.word(3), seq: $0.int(4)) }
    }

    /// Each once, the newest last.
    ///
    /// Grouped and sorted here, which spares the server a sort.
    static func identifiers(in rows: [Given]) -> [SubjectIdentifier] {
        var newest: [Name: (seq: Int64, basis: SubjectIdentifier.Basis)] = [:]
        for row in rows {
            let known = newest[row.name]
            newest[row.name] = (
                max(row.seq, known?.seq ?? row.seq), known?.basis == .proven ? .proven : row.basis
            )
        }
        return newest.sorted { ($0.value.seq, $0.key.kind, $0.key.value) < ($1.value.seq, $1.key.kind, $1.key.value) }
            .map { SubjectIdentifier(SubjectIdentifier.Kind($0.key.kind), $0.key.value, $0.value.basis) }
    }

    /// The last of each kind in a list that ends with the newest.
    static func newestOfEachKind(_ identifiers: [SubjectIdentifier]) -> [SubjectIdentifier] {
        var newest: [SubjectIdentifier] = []
        for identifier in identifiers {
            newest.removeAll { $0.kind == identifier.kind }
            newest.append(identifier)
        }
        return newest
    }

    static func view(of root: SubjectID, _ db: Transaction) throws -> SubjectView {
        let (identifiers, state) = (try askForIdentifiers(of: [root], db), try States.ask(of: [root], db))
        return SubjectView(
            id: root, identifiers: self.identifiers(in: try identifiers.only()),
            state: try States.state(in: state.only(), of: root))
    }

    // MARK: Holding

    private static let looksMax = 8

    /// Holds the whole to which the subject belongs; its root.
    @discardableResult
    static func hold(_ subject: SubjectID, _ db: Transaction) throws -> SubjectID {
        var root = try root(of: subject, db)
        for _ in 0..<looksMax {
            try db.hold([Locks.subject(root)])
            // A join may have come between reading and holding.
            let now = try self.root(of: subject, db)
            if now == root { return root }
            root = now
        }
        throw PostgresError(state: "40001", message: "the subject is being joined")
    }

    /// Holds these identifiers and all wholes at which they hang, so that nobody else plans for them meanwhile, and tells
    /// of each who holds it.
    static func holdAndSketch(_ identifiers: [SubjectIdentifier], _ db: Transaction) throws -> [SubjectSketch] {
        var request = try db.askToHold(identifiers.map { Locks.identifier($0.kind.name, $0.value) })
        var known: Set<SubjectID> = []
        for _ in 0..<looksMax {
            // Each statement sees what was committed before it began: what is asked behind a lock sees what it kept out.
            let (roots, holders) = (try askForRoots(of: identifiers, db), try askForHolders(of: identifiers, db))
            try request?.confirm()
            let found = Set(try roots.rows())
            if found.isSubset(of: known) { return try sketches(of: holders, identifiers, db) }
            request = try db.askToHold(found.map(Locks.subject))
            known.formUnion(found)
        }
        throw PostgresError(state: "40001", message: "the subjects are being joined")
    }

    /// Tells of each identifier who holds it, and holds nothing.
    static func sketch(_ identifiers: [SubjectIdentifier], _ db: Transaction) throws -> [SubjectSketch] {
        try sketches(of: askForHolders(of: identifiers, db), identifiers, db)
    }

    private static func askForRoots(of identifiers: [SubjectIdentifier], _ db: Transaction) throws
        -> Transaction.Asked<SubjectID>
    {
        try db.ask(
            """
            SELECT DISTINCT subjects.root FROM unnest($1, $2) AS wanted (kind, value)
            JOIN identifiers USING (kind, value) JOIN subjects ON subjects.id = identifiers.subject
            """, SQLArray(identifiers.map(\.kind.name)), SQLArray(identifiers.map(\.value))
        ) { try $0.id(0) }
    }

    // MARK: Linking

    struct Holder {
        var seq: Int64
        var root: SubjectID
        var holder: SubjectID
        var basis: SubjectIdentifier.Basis
    }

    /// Of each identifier those who hold it, the oldest whole first.
    static func askForHolders(of identifiers: [SubjectIdentifier], _ db: Transaction) throws
        -> Transaction.AskedForMany<Holder>
    {
        try db.askForMany(
            "kind, value", [SQLArray(identifiers.map(\.kind.name)), SQLArray(identifiers.map(\.value))],
            count: identifiers.count,
            """
            SELECT roots.seq, roots.id, identifiers.subject, identifiers.basis FROM identifiers
            JOIN subjects ON subjects.id = identifiers.subject JOIN subjects AS roots ON roots.id = subjects.root
            WHERE identifiers.value = wanted.value AND identifiers.kind = wanted.kind
            ORDER BY roots.seq LIMIT $3
            """, holdersMax
        ) { Holder(seq: $0.int(1), root: try $0.id(2), holder: try $0.id(3), basis: try $0.word(4)) }
    }

    /// The holders with the places of what they hold: the oldest whole first, what hangs on one in the order in which it
    /// was asked for.
    static func inOrder(_ holders: [[Holder]]) -> [(holder: Holder, place: Int)] {
        holders.enumerated().flatMap { place, holders in holders.map { (holder: $0, place: place) } }
            .sorted { ($0.holder.seq, $0.place) < ($1.holder.seq, $1.place) }
    }

    private static func sketches(
        of asked: Transaction.AskedForMany<Holder>, _ identifiers: [SubjectIdentifier], _ db: Transaction
    ) throws -> [SubjectSketch] {
        try inOrder(asked.rows().map { try $0.get() }).map { holder, place in
            let all = try askForIdentifiers(of: [holder.root], db)
            let isProven = try askWhetherProven([holder.holder], db)
            let proven = try askForProven(with: [holder.holder], db)
            return sketch(
                holder, identifiers[place], all: self.identifiers(in: try all.only()),
                isProven: try isProven.only() == [true], proven: try proven.only())
        }
    }

    /// `all` identifiers of the whole, and the `proven` ones of all that proven joins tie to the holder.
    static func sketch(
        _ holder: Holder, _ identifier: SubjectIdentifier, all: [SubjectIdentifier], isProven: Bool,
        proven: [SubjectIdentifier]
    ) -> SubjectSketch {
        var held = identifier
        held.basis = holder.basis
        let exclusive = Set(all.filter { $0.kind.isExclusive && $0.basis == .proven })
        return SubjectSketch(
            root: holder.root, holder: holder.holder, identifier: held, exclusive: exclusive,
            identifierCount: all.count, isAddressOnly: !isProven, exclusiveByProof: exclusive.intersection(proven))
    }

    /// Whether anything at all is proven of each.
    static func askWhetherProven(_ holders: [SubjectID], _ db: Transaction) throws -> Transaction.AskedForMany<Bool> {
        try db.askForMany(
            "holder", [SQLArray(holders)], count: holders.count,
            "SELECT EXISTS (SELECT 1 FROM identifiers WHERE subject = wanted.holder AND basis = 'proven')"
        ) { $0.flag(1) }
    }

    /// The proven identifiers of all subjects that proven joins tie to each.
    static func askForProven(with holders: [SubjectID], _ db: Transaction) throws
        -> Transaction.AskedForMany<SubjectIdentifier>
    {
        try db.askForMany(
            "holder", [SQLArray(holders)], count: holders.count,
            """
            SELECT DISTINCT kind, value FROM identifiers WHERE basis = 'proven' AND subject IN (
                SELECT id FROM subjects WHERE proven_root = (SELECT proven_root FROM subjects WHERE id = wanted.holder))
            LIMIT $2
            """, Limits.identifiersPerSubjectMax * 2
        ) { SubjectIdentifier(SubjectIdentifier.Kind($0.text(1)), $0.text(2), .proven) }
    }

    // MARK: Writing

    /// An identifier that is to hang at a subject, as that event gave it.
    struct Addition {
        fileprivate var identifier: SubjectIdentifier
        fileprivate var subject: SubjectID
        fileprivate var seq: Int64

        init(_ identifier: SubjectIdentifier, to subject: SubjectID, seq: Int64) {
            (self.identifier, self.subject, self.seq) = (identifier, subject, seq)
        }
    }

    /// Proven stays proven (of the two words it is the later one); what was named last is the newest.
    static func add(_ additions: [Addition], _ db: Transaction) throws {
        try db.post(
            """
            INSERT INTO identifiers (kind, value, subject, basis, seq)
            SELECT kind, value, subject, max(basis), max(seq)
            FROM unnest($1, $2, $3, $4, $5) AS given (kind, value, subject, basis, seq)
            GROUP BY value, kind, subject ORDER BY value, kind, subject
            ON CONFLICT (kind, value, subject) DO UPDATE SET seq = greatest(identifiers.seq, excluded.seq),
                basis = CASE WHEN 'proven' IN (identifiers.basis, excluded.basis) THEN 'proven' ELSE 'claimed' END
            """, SQLArray(additions.map(\.identifier.kind.name)), SQLArray(additions.map(\.identifier.value)),
            SQLArray(additions.map(\.subject)), SQLArray(additions.map(\.identifier.basis.rawValue)),
            SQLArray(additions.map(\.seq)))
    }

    /// Notes that the wholes of these subjects have changed.
    static func touch(_ subjects: [SubjectID], _ db: Transaction) throws {
        try db.post(
            """
            UPDATE subjects SET xid = pg_current_xact_id()
            WHERE id = ANY (ARRAY(SELECT root FROM subjects WHERE id = ANY ($1)))
            """, SQLArray(subjects))
    }

    // MARK: Joining

    static func join(_ join: SubjectJoin, event: EventID, at now: Instant, _ db: Transaction) throws {
        let child = try root(of: join.child, db)
        let root = try root(of: join.root, db)
        guard child != root else { return }
        if join.basis == .proven { try joinProven(join, db) }
        try Lanes.move(from: child, to: root, at: now, db)
        try States.merge(child, into: root, db)
        try db.run("UPDATE subjects SET root = $1 WHERE root = $2", root, child)
        try db.run(
            "INSERT INTO joins (child, root, basis, kind, value, event, at) VALUES ($1, $2, $3, $4, $5, $6, $7)", child,
            root,
            join.basis.rawValue, join.through.kind.name, join.through.value, event, now)
    }

    /// Unites the proven parts of the two of whom the event spoke.
    ///
    /// What only an address ties to either side stays outside.
    private static func joinProven(_ join: SubjectJoin, _ db: Transaction) throws {
        let childPart = try provenRoot(of: join.childHolder, db)
        let rootPart = try provenRoot(of: join.rootHolder, db)
        try db.run("UPDATE subjects SET proven_root = $1 WHERE proven_root = $2", rootPart, childPart)
    }

    private static func provenRoot(of subject: SubjectID, _ db: Transaction) throws -> SubjectID {
        try db.first("SELECT proven_root FROM subjects WHERE id = $1", subject) { try $0.id(0, SubjectTag.self) }
            ?? subject
    }
}
