internal import GRDB
package import Journal
package import Model

extension SQLiteJournal {
    package func forgetPlan(_ root: SubjectID) async throws -> Erasure {
        try await reader.read { try ForgettingPlan.plan(root, $0) }
    }
}

/// Counts what `Forgetting` would erase.
enum ForgettingPlan {
    private static let tree = "(SELECT id FROM subjects WHERE root = ?1)"

    static func plan(_ subject: SubjectID, _ db: Database) throws -> Erasure {
        guard try db.exists("SELECT 1 FROM subjects WHERE id = ?", subject) else {
            throw Failure(.notFound, "There is no subject \(subject).")
        }
        let root = try Subjects.root(of: subject, db)
        func count(_ from: String) throws -> Int { try db.count("SELECT count(*) FROM \(from)", root) }
        return Erasure(
            subject: root, events: try count("events WHERE subject IN \(tree)"),
            facts: try count("facts WHERE subject IN \(tree)"),
            jobs: try count("jobs WHERE subject IN \(tree)") + count("history WHERE subject IN \(tree)"),
            identifiers: try count("identifiers WHERE subject IN \(tree)"),
            kept: try Mentions(of: root, db).kept.count)
    }
}
