internal import GRDB
internal import Journal
internal import Model

/// Who is who.
///
/// A tree of joined subjects is told by one root; it is never deep, since each member names the root.
enum Subjects {
    private static let holdersMax = 200

    static func root(of subject: SubjectID, _ db: Database) throws -> SubjectID {
        try db.first("SELECT root FROM subjects WHERE id = ?", subject) { try $0.id(0, SubjectTag.self) } ?? subject
    }

    static func tree(of root: SubjectID, _ db: Database) throws -> [SubjectID] {
        try db.rows("SELECT id FROM subjects WHERE root = ? ORDER BY seq", root) { try $0.id(0) }
    }

    /// All identifiers of the whole, the newest last.
    ///
    /// Grouped and sorted here: SQLite makes and drops a table of its own for that, which costs more than the reading.
    static func identifiers(of root: SubjectID, _ db: Database) throws -> [SubjectIdentifier] {
        struct Name: Hashable {
            var kind: String
            var value: String
        }
        var newest: [Name: (seq: Int64, basis: SubjectIdentifier.Basis)] = [:]
        let rows = try db.rows(
            """
            SELECT kind, value, basis, identifiers.seq FROM subjects
            CROSS JOIN identifiers ON identifiers.subject = subjects.id WHERE subjects.root = ? LIMIT ?
            """, root, Limits.identifiersPerSubjectMax * 8
        ) {
            (
                name: Name(kind: $0.text(0), value: $0.text(1)), basis: try $0.word(2, SubjectIdentifier.Basis.self),
                seq: $0.int(3)
            )
        }
        for row in rows {
            let known = newest[row.name]
            newest[row.name] = (
                max(row.seq, known?.seq ?? row.seq), known?.basis == .proven ? .proven : row.basis
            )
        }
        return newest.sorted { ($0.value.seq, $0.key.kind, $0.key.value) < ($1.value.seq, $1.key.kind, $1.key.value) }
            .map { SubjectIdentifier(SubjectIdentifier.Kind($0.key.kind), $0.key.value, $0.value.basis) }
    }

    static func view(of root: SubjectID, _ db: Database) throws -> SubjectView {
        SubjectView(id: root, identifiers: try identifiers(of: root, db), state: try States.state(of: root, db))
    }

    // MARK: Linking

    static func holders(of identifiers: [SubjectIdentifier], _ db: Database) throws -> [SubjectSketch] {
        var found: [(seq: Int64, sketch: SubjectSketch)] = []
        for identifier in identifiers {
            let holders = try db.rows(
                """
                SELECT roots.seq, roots.id, identifiers.subject, identifiers.basis FROM identifiers
                JOIN subjects ON subjects.id = identifiers.subject JOIN subjects AS roots ON roots.id = subjects.root
                WHERE identifiers.value = ? AND identifiers.kind = ? ORDER BY identifiers.subject LIMIT ?
                """, identifier.value, identifier.kind.name, holdersMax
            ) {
                (
                    seq: $0.int(0), root: try $0.id(1, SubjectTag.self), holder: try $0.id(2, SubjectTag.self),
                    basis: try $0.word(3, SubjectIdentifier.Basis.self)
                )
            }
            for holder in holders {
                var held = identifier
                held.basis = holder.basis
                found.append((holder.seq, try sketch(root: holder.root, holder: holder.holder, held, db)))
            }
        }
        // A stable sort: what hangs on one root stays in the order in which it was asked for.
        return found.enumerated().sorted { ($0.element.seq, $0.offset) < ($1.element.seq, $1.offset) }
            .map(\.element.sketch)
    }

    private static func sketch(
        root: SubjectID, holder: SubjectID, _ identifier: SubjectIdentifier, _ db: Database
    ) throws -> SubjectSketch {
        let all = try identifiers(of: root, db)
        let isProven = try db.exists(
            "SELECT 1 FROM identifiers WHERE subject = ? AND basis = 'proven' LIMIT 1", holder)
        let exclusive = Set(all.filter { $0.kind.isExclusive && $0.basis == .proven })
        return SubjectSketch(
            root: root, holder: holder, identifier: identifier, exclusive: exclusive, identifierCount: all.count,
            isAddressOnly: !isProven,
            exclusiveByProof: exclusive.isEmpty ? [] : exclusive.intersection(try proven(with: holder, db)))
    }

    /// The proven identifiers of all subjects that proven joins tie to this one.
    private static func proven(with subject: SubjectID, _ db: Database) throws -> [SubjectIdentifier] {
        try db.rows(
            """
            SELECT DISTINCT kind, value FROM identifiers WHERE basis = 'proven' AND subject IN (
                SELECT id FROM subjects WHERE proven_root = (SELECT proven_root FROM subjects WHERE id = ?))
            LIMIT ?
            """, subject, Limits.identifiersPerSubjectMax * 2
        ) { SubjectIdentifier(SubjectIdentifier.Kind($0.text(0)), $0.text(1), .proven) }
    }

    // MARK: Joining

    static func join(_ join: SubjectJoin, event: EventID, at now: Instant, _ db: Database) throws {
        let child = try root(of: join.child, db)
        let root = try root(of: join.root, db)
        guard child != root else { return }
        if join.basis == .proven { try joinProven(join, db) }
        try Lanes.move(from: child, to: root, at: now, db)
        try States.merge(child, into: root, db)
        try db.run("UPDATE subjects SET root = ? WHERE root = ?", root, child)
        try db.run(
            "INSERT INTO joins (child, root, basis, kind, value, event, at) VALUES (?, ?, ?, ?, ?, ?, ?)", child, root,
            join.basis.rawValue, join.through.kind.name, join.through.value, event, now)
    }

    /// Unites the proven parts of the two of whom the event spoke.
    ///
    /// What only an address ties to either side stays outside.
    private static func joinProven(_ join: SubjectJoin, _ db: Database) throws {
        let childPart = try provenRoot(of: join.childHolder, db)
        let rootPart = try provenRoot(of: join.rootHolder, db)
        try db.run("UPDATE subjects SET proven_root = ? WHERE proven_root = ?", rootPart, childPart)
    }

    private static func provenRoot(of subject: SubjectID, _ db: Database) throws -> SubjectID {
        try db.first("SELECT proven_root FROM subjects WHERE id = ?", subject) { try $0.id(0, SubjectTag.self) }
            ?? subject
    }
}
