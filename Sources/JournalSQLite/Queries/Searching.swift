internal import GRDB
internal import Journal
internal import Model

/// Finds whom an id belongs to, whatever kind of id it is.
enum Searching {
    private static let subjectsMax = 50
    private static let pendingMax = 1000

    static func subjects(matching id: String, _ db: Database) throws -> [SubjectStory] {
        let id = SearchedID.trimmed(id)
        guard !id.isEmpty, id.utf8.count <= Limits.textLengthMax else { return [] }
        var found: [SubjectID] = try ours(id, db)
        if found.isEmpty {
            found = try named(id, db)
            if let colon = id.firstIndex(of: ":") {
                found += try narrowed(kind: String(id[..<colon]), value: String(id[id.index(after: colon)...]), db)
            }
        }
        return try stories(of: found, db)
    }

    /// An id that Throughline made.
    private static func ours(_ id: String, _ db: Database) throws -> [SubjectID] {
        if let event = EventID(id) {
            return try ids("SELECT subject FROM events WHERE id = ? AND subject IS NOT NULL", [event], db)
        }
        if let job = JobID(id) {
            return try ids(
                "SELECT subject FROM jobs WHERE id = ?1 UNION ALL SELECT subject FROM history WHERE id = ?1", [job], db)
        }
        if let subject = SubjectID(id) { return try ids("SELECT id FROM subjects WHERE id = ?", [subject], db) }
        return []
    }

    /// Any identifier, record, sender's event id or fact's object of that value.
    private static func named(_ value: String, _ db: Database) throws -> [SubjectID] {
        var found = try ids(
            "SELECT subject FROM identifiers WHERE value IN (?, ?) LIMIT \(subjectsMax * 4)",
            [value, value.lowercased()], db)
        found += try ids("SELECT subject FROM records WHERE id = ? LIMIT \(subjectsMax * 4)", [value], db)
        found += try ids(
            """
            SELECT events.subject FROM event_keys JOIN events ON events.id = event_keys.event
            WHERE event_keys.external_id = ? AND events.subject IS NOT NULL LIMIT \(subjectsMax * 4)
            """, [value], db)
        for object in [value] + SearchedID.objectKinds.map({ "\($0):\(value)" }) {
            found += try ids("SELECT subject FROM facts WHERE object = ? LIMIT \(subjectsMax)", [object], db)
        }
        found += try ids("SELECT subject FROM facts WHERE key = ?", [value], db)
        return found
    }

    /// `email:ada@example.com`, or `crm:512` for a record at the destination `crm`.
    private static func narrowed(kind: String, value: String, _ db: Database) throws -> [SubjectID] {
        try ids(
            "SELECT subject FROM identifiers WHERE value IN (?, ?) AND kind = ? LIMIT \(subjectsMax * 4)",
            [value, value.lowercased(), kind], db)
            + ids(
                "SELECT subject FROM records WHERE id = ? AND ? IN (destination, kind) LIMIT \(subjectsMax * 4)",
                [value, kind], db)
    }

    private static func ids(_ sql: String, _ values: [(any SQLValue)?], _ db: Database) throws -> [SubjectID] {
        try db.rows(sql, values: values) { try $0.id(0) }
    }

    private static func stories(of subjects: [SubjectID], _ db: Database) throws -> [SubjectStory] {
        var roots: [SubjectID: Int64] = [:]
        for subject in Set(subjects) {
            let root = try Subjects.root(of: subject, db)
            guard roots[root] == nil else { continue }
            roots[root] = try db.first("SELECT seq FROM subjects WHERE id = ?", root) { $0.int(0) } ?? 0
        }
        return try roots.sorted { $0.value < $1.value }.prefix(subjectsMax).map { root, _ in
            SubjectStory(
                root: root, identifiers: try Subjects.identifiers(of: root, db),
                records: try Looking.records(of: root, db).reversed())
        }
    }

    // MARK: Not planned yet

    /// Among the newest pending events, those that say the id anywhere at the top of their data.
    static func pendingEvents(matching id: String, _ db: Database) throws -> [EventRow] {
        let id = SearchedID.trimmed(id)
        guard !id.isEmpty else { return [] }
        let pending = try db.rows(
            """
            SELECT \(Events.columns), pending.seq FROM pending JOIN events ON events.seq = pending.seq
            WHERE events.subject IS NULL ORDER BY pending.seq DESC LIMIT \(pendingMax)
            """, read: Events.row)
        return pending.reversed().filter { SearchedID.isSaid(id, by: $0.event) }
    }
}
