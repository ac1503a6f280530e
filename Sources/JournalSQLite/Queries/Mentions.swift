internal import GRDB
internal import Journal
internal import Model

/// Kept deliveries in which a person is named: those that are an event of theirs, and those that became no event but hold
/// one of their ids.
struct Mentions: Sendable {
    struct Kept: Sendable, Hashable {
        var seq: Int64
        /// The event that could not be planned, where it is one.
        var event: EventID?
    }

    var kept: [Kept]

    /// Shorter ids would be found in what is somebody else's.
    private static let lengthMin = 6

    init(of root: SubjectID, _ db: Database) throws {
        let events = "(SELECT id FROM events WHERE subject IN (SELECT id FROM subjects WHERE root = ?1))"
        var found = Set(
            try db.rows(
                "SELECT seq, event FROM kept_deliveries WHERE event IN \(events) OR replayed_as IN \(events)", root,
                read: Self.kept))
        for word in try Self.words(of: root, db) {
            found.formUnion(
                try db.rows(
                    "SELECT seq, event FROM kept_deliveries WHERE instr(payload, ?) > 0", Array(word.utf8),
                    read: Self.kept))
        }
        kept = found.sorted { $0.seq < $1.seq }
    }

    private static func kept(_ row: SQLRow) throws -> Kept { Kept(seq: row.int(0), event: try row.idOrNil(1)) }

    /// Ids as they are known, and addresses as they were typed.
    private static func words(of root: SubjectID, _ db: Database) throws -> Set<String> {
        let typed = try db.rows(
            "SELECT data FROM events WHERE subject IN (SELECT id FROM subjects WHERE root = ?)", root
        ) { try $0.object(0) }.flatMap { data in ["email", "phone"].compactMap { data.present($0)?.string } }
        let known = try Subjects.identifiers(of: root, db).map(\.value)
        return Set((typed + known).filter { $0.utf8.count >= lengthMin })
    }
}
