internal import Foundation
internal import Synchronization

/// A real Postgres with the roles and default grants of a Supabase project; one for all tests of a process.
///
/// Postgres refuses to run as root, so root runs it as the system's user `postgres`. It ends when this process does: a
/// shell beside it waits for the end of its input.
package final class SupabaseServer: Sendable {
    private let port: Int
    private let folder: TemporaryFolder
    /// Held open for as long as the server is to run.
    private let lifeline: Pipe
    private let count = Atomic(0)
    /// Copies of one template cannot be made at the same time.
    private let copying = Mutex(())

    package static let isInstalled = binaries != nil && Program.find("psql") != nil

    private static let sharedResult = Result { try SupabaseServer() }
    package static var shared: SupabaseServer { get throws { try sharedResult.get() } }

    /// The newest version that is installed.
    private static let binaries: String? = {
        let root = "/usr/lib/postgresql"
        // A folder that cannot be listed has no version in it.
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap { Int($0) }.max().map { "\(root)/\($0)/bin" }
        return newest.flatMap { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") ? $0 : nil }
    }()

    private init() throws {
        guard let binaries = Self.binaries else { throw SupabaseTrouble("Postgres is not installed") }
        folder = try TemporaryFolder()
        port = try Self.freePort()
        lifeline = Pipe()
        let script = """
            set -e
            "$1/initdb" -D "$2/data" -U supabase_admin --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$2/log" 2>&1
            "$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
                -c max_connections=200 >>"$2/log" 2>&1 &
            server=$!
            cat >/dev/null
            kill -INT $server
            wait $server
            rm -rf "$2/data"
            """
        let arguments = ["/bin/bash", "-c", script, "postgres", binaries, folder.path, String(port)]
        let process = Process()
        if getuid() == 0 {
            chmod(folder.path, 0o777)
            process.executableURL = URL(filePath: "/usr/sbin/runuser")
            process.arguments = ["-u", "postgres", "--"] + arguments
        } else {
            process.executableURL = URL(filePath: arguments[0])
            process.arguments = Array(arguments.dropFirst())
        }
        process.currentDirectoryURL = URL(filePath: "/")
        process.standardInput = lifeline
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try waitUntilReady(process)
        try run(file: "supabase/tests/project/server.sql", on: "template1")
        try makeTemplate()
    }

    private func waitUntilReady(_ process: Process) throws {
        for _ in 0..<600 {
            let ready = try Program.run(
                Self.binaries.map { "\($0)/pg_isready" } ?? "", ["-q", "-h", "127.0.0.1", "-p", String(port)])
            if ready.status == 0 { return }
            guard process.isRunning else { break }
            usleep(50_000)
        }
        let log = try? String(contentsOfFile: folder.file("log"), encoding: .utf8)  // Without one its absence is told.
        throw SupabaseTrouble("Postgres did not start: \(log ?? "no log")")
    }

    /// A database with the kit's migration, from which each test has a copy.
    private func makeTemplate() throws {
        _ = try psql(["-c", "create database kit"], url("supabase_admin", "template1"))
        try run(file: "supabase/tests/project/database.sql", on: "kit")
        let migration = ["-f", ProjectFolder.file("supabase/migrations/inbox.sql")]
        // Twice: it is safe to run again.
        for _ in 1...2 { _ = try psql(migration, url("postgres", "kit")) }
        // What the person who sets the server up does by hand.
        _ = try psql(["-c", "alter role throughline_worker login"], url("postgres", "kit"))
    }

    /// A project of its own for a test: Supabase's roles, the kit's inbox, nothing else.
    package func project() throws -> SupabaseProject {
        let name = "project_\(count.add(1, ordering: .relaxed).newValue)"
        try copying.withLock { _ in
            _ = try psql(
                ["-c", "create database \(name) template kit owner postgres"], url("supabase_admin", "template1"))
        }
        return SupabaseProject(server: self, name: name)
    }

    func url(_ role: String, _ database: String) -> String { "postgresql://\(role)@127.0.0.1:\(port)/\(database)" }

    private func run(file: String, on database: String) throws {
        _ = try psql(["-f", ProjectFolder.file(file)], url("supabase_admin", database))
    }

    func psql(_ arguments: [String], _ url: String, input: String? = nil) throws -> String {
        guard let psql = Program.find("psql") else { throw SupabaseTrouble("psql is not installed") }
        let options = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
        let outcome = try Program.run(
            psql, options + arguments + [url], input: input,
            environment: ["PGOPTIONS": "-c client_min_messages=warning"])
        guard outcome.status == 0 else { throw SupabaseTrouble(outcome.errors) }
        return outcome.output.trimmingCharacters(in: .newlines)
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw SupabaseTrouble("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

package struct SupabaseTrouble: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// One database with Supabase's roles and the kit.
package struct SupabaseProject: Sendable {
    private let server: SupabaseServer
    package let name: String

    init(server: SupabaseServer, name: String) {
        self.server = server
        self.name = name
    }

    package func url(as role: String = "postgres") -> String { server.url(role, name) }

    /// Runs SQL, unless told otherwise as the role that runs a project's migrations; what it gives, `|` between columns.
    ///
    /// Throws what Postgres said where it fails.
    @discardableResult
    package func run(_ sql: String, as role: String = "postgres") throws -> String {
        try server.psql(["-f", "-"], url(as: role), input: sql)
    }

    /// A session that stays open.
    package func session(as role: String = "postgres") throws -> DatabaseSession {
        try DatabaseSession(url: url(as: role))
    }

    /// Runs a file of pgTAP tests; its lines.
    package func tap(_ file: String) throws -> [String] {
        try server.psql(["-f", ProjectFolder.file(file)], url(as: "supabase_admin")).components(separatedBy: "\n")
    }
}
