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
    /// Events that are not planned, and so nobody's yet, and name the person.
    var waiting: Int

    init(of root: SubjectID, _ db: Transaction) throws {
        let events = "(SELECT id FROM events WHERE subject IN (SELECT id FROM subjects WHERE root = $1))"
        var found = Set(
            try db.rows(
                "SELECT seq, event FROM kept_deliveries WHERE event IN \(events) OR replayed_as IN \(events)", root,
                read: Self.kept))
        let ids = Set(try Subjects.identifiers(of: root, db).map(\.value))
        let words = try Self.words(of: root, ids, db)
        // Many words in one pass: reading the payloads costs more than looking through them.
        let all = words.sorted()
        for start in stride(from: 0, to: all.count, by: Self.wordsAtOnce) {
            let batch = Array(all[start...].prefix(Self.wordsAtOnce))
            let isIn = batch.indices.map { "position($\($0 + 1) in payload) > 0" }.joined(separator: " OR ")
            let named = try db.rows(
                "SELECT seq, event, payload FROM kept_deliveries WHERE \(isIn)", values: batch.map { Array($0.utf8) }
            ) { row in
                let text = row.blob(2)
                return batch.contains { Naming.isNamed(by: $0, in: text) } ? try Self.kept(row) : nil
            }
            found.formUnion(named.compactMap(\.self))
        }
        kept = found.sorted { $0.seq < $1.seq }
        waiting = try db.rows(
            "SELECT data, session, user_id FROM pending JOIN events USING (seq) WHERE subject IS NULL"
        ) {
            Naming.isAbout(words, ids: ids, data: try $0.object(0), session: $0.textOrNil(1), user: $0.textOrNil(2))
        }.count { $0 }
    }

    private static let wordsAtOnce = 50

    private static func kept(_ row: SQLRow) throws -> Kept { Kept(seq: row.int(0), event: try row.idOrNil(1)) }

    private static func words(of root: SubjectID, _ ids: Set<String>, _ db: Transaction) throws -> Set<String> {
        let typed = try db.rows(
            "SELECT data FROM events WHERE subject IN (SELECT id FROM subjects WHERE root = $1)", root
        ) { try $0.object(0) }
        return Naming.words(typed: typed, known: Array(ids))
    }
}
