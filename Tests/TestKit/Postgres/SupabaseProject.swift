internal import Synchronization

/// One database with the roles and default grants of a Supabase project, and the kit.
package struct SupabaseProject: Sendable {
    private let server: PostgresServer
    package let name: String

    package static var isInstalled: Bool { PostgresServer.isInstalled }

    /// A project of its own for a test: Supabase's roles, the kit's inbox, nothing else.
    package init() async throws {
        let template = try await SupabaseTemplate.shared
        server = template.server
        name = try await template.copy()
    }

    package func url(as role: String = "postgres") -> String { server.url(database: name, as: role) }

    /// Runs SQL, unless told otherwise as the role that runs a project's migrations; what it gives, `|` between columns.
    ///
    /// Throws what Postgres said where it fails.
    @discardableResult
    package func run(_ sql: String, as role: String = "postgres") async throws -> String {
        try await server.psql(["-f", "-"], url(as: role), input: sql)
    }

    /// A session that stays open.
    package func session(as role: String = "postgres") throws -> DatabaseSession {
        try DatabaseSession(url: url(as: role))
    }

    /// Runs a file of pgTAP tests; its lines.
    package func tap(_ file: String) async throws -> [String] {
        try await server.psql(["-f", ProjectFolder.file(file)], url(as: "supabase_admin")).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
    }
}

/// A server with a database that each project is a copy of; one for all tests of a process.
private actor SupabaseTemplate {
    static var shared: SupabaseTemplate { get async throws { try await starting.value } }
    private static let starting = Task { try await SupabaseTemplate() }

    let server: PostgresServer
    private var count = 0
    /// Copies of one template cannot be made at the same time.
    private var last: Task<String, any Error>?

    private init() async throws {
        let server = try await PostgresServer(isDurable: false, owner: "supabase_admin")
        self.server = server
        func run(file: String, on database: String, as role: String? = nil) async throws {
            _ = try await server.psql(["-f", ProjectFolder.file(file)], server.url(database: database, as: role))
        }
        try await run(file: "supabase/tests/project/server.sql", on: "template1")
        try await server.execute("create database kit", in: server.url(database: "template1"))
        try await run(file: "supabase/tests/project/database.sql", on: "kit")
        // Twice: it is safe to run again.
        for _ in 1...2 { try await run(file: "supabase/migrations/inbox.sql", on: "kit", as: "postgres") }
        // What the person who sets the server up does by hand.
        try await server.execute(
            "alter role throughline_worker login", in: server.url(database: "kit", as: "postgres"))
    }

    func copy() async throws -> String {
        count += 1
        let copying = Task { [last, server, name = "project_\(count)"] in
            _ = try await last?.value
            try await server.execute(
                "create database \(name) template kit owner postgres", in: server.url(database: "template1"))
            return name
        }
        last = copying
        return try await copying.value
    }
}
