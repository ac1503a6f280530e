internal import Journal
internal import Model

/// Where each subject stands, as one JSON object at its root.
enum States {
    static func state(of root: SubjectID, _ db: Transaction) throws -> SubjectState {
        guard let body = try db.first("SELECT body FROM states WHERE subject = $1", root, read: { try $0.object(0) })
        else { return SubjectState() }
        var state = SubjectState()
        for member in body.members {
            guard let at = member.value["at"]?.int, let rank = member.value["rank"]?.int,
                let of = member.value["of"]?.string, let fields = member.value["fields"]?.object
            else { throw Failure(.journal, "The state of subject \(root) cannot be read. Restore a backup.") }
            state.registers[member.key] = SubjectState.Register(
                at: Instant(milliseconds: at), rank: Int(clamping: rank), of: of, fields: fields)
        }
        return state
    }

    static func set(_ state: SubjectState, of root: SubjectID, _ db: Transaction) throws {
        // Sorted, so that the same state is the same text.
        let members = state.registers.sorted { $0.key < $1.key }.map { aspect, register in
            JSONObject.Member(
                key: aspect,
                value: [
                    "at": .int(register.at.milliseconds), "rank": .int(Int64(register.rank)),
                    "of": .string(register.of), "fields": .object(register.fields),
                ])
        }
        try db.run(
            "INSERT INTO states (subject, body) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET body = excluded.body",
            root, JSONObject(members: members).encodedText)
    }

    /// What both knew, at `root`.
    static func merge(_ child: SubjectID, into root: SubjectID, _ db: Transaction) throws {
        let childState = try state(of: child, db)
        guard !childState.registers.isEmpty else { return }
        try set(try state(of: root, db).merged(with: childState), of: root, db)
        try db.run("DELETE FROM states WHERE subject = $1", child)
    }
}
