internal import Journal
internal import Model

/// Where each subject stands, as one JSON object at its root.
enum States {
    static func state(of root: SubjectID, _ db: Transaction) throws -> SubjectState {
        try state(in: ask(of: [root], db).only(), of: root)
    }

    static func ask(of roots: [SubjectID], _ db: Transaction) throws -> Transaction.AskedForMany<JSONObject> {
        try db.askForMany(
            "root", [SQLArray(roots)], count: roots.count, "SELECT body FROM states WHERE subject = wanted.root"
        ) { try $0.object(1) }
    }

    static func state(in bodies: [JSONObject], of root: SubjectID) throws -> SubjectState {
        guard let body = bodies.first else { return SubjectState() }
        guard let state = SubjectState(body) else {
            throw Failure(.journal, "The state of subject \(root) cannot be read. Restore a backup.")
        }
        return state
    }

    /// Each root once.
    static func set(_ states: [(root: SubjectID, state: SubjectState)], _ db: Transaction) throws {
        try db.post(
            """
            INSERT INTO states (subject, body) SELECT * FROM unnest($1, $2)
            ON CONFLICT (subject) DO UPDATE SET body = excluded.body
            """, SQLArray(states.map(\.root)), SQLArray(states.map(\.state.object.encodedText)))
    }

    /// What both knew, at `root`.
    static func merge(_ child: SubjectID, into root: SubjectID, _ db: Transaction) throws {
        let childState = try state(of: child, db)
        guard !childState.registers.isEmpty else { return }
        try set([(root, try state(of: root, db).merged(with: childState))], db)
        try db.run("DELETE FROM states WHERE subject = $1", child)
    }
}
