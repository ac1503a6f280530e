internal import Foundation
internal import Synchronization

package struct PostgresTrouble: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// A Postgres server of our own on a free port of loopback, in a folder that goes with it.
///
/// The server refuses to run as root: there it runs as the user `postgres`. It ends with the process that started it,
/// however that ends.
package final class PostgresServer: Sendable {
    /// One for all tests of a run that need no more than databases; nothing in it outlives the run.
    package static var shared: PostgresServer { get async throws { try await starting.value } }
    private static let starting = Task { try await PostgresServer(isDurable: false) }

    /// Whether this machine has what it takes.
    package static let isInstalled = programs != nil && Program.find("psql") != nil

    package let port: Int
    private let owner: String
    private let folder: TemporaryFolder
    private let settings: [String]
    /// Held open for as long as the server is to run.
    private let lifeline = Mutex<Pipe?>(nil)

    /// With `isDurable` false nothing is synced: fast, and lost with the machine.
    ///
    /// `settings` are Postgres's own
    /// (`max_connections=10`); with `tls` it speaks TLS by that certificate.
    package init(
        isDurable: Bool, owner: String = "throughline", settings: [String] = [], tls: Certificate? = nil
    ) async throws {
        self.owner = owner
        self.settings =
            (isDurable ? [] : ["fsync=off", "full_page_writes=off", "autovacuum=off"]) + settings
            + (tls == nil ? [] : ["ssl=on", "ssl_cert_file=tls.pem", "ssl_key_file=tls.key"])
        port = try FreePort.find()
        folder = try TemporaryFolder()
        if getuid() == 0 { chmod(folder.path, 0o777) }
        try await Self.run(
            Self.asServerUser + [
                try Self.program("initdb"), "-D", data, "-U", owner, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
                "--no-sync",
            ])
        if let tls {
            for (from, name) in [(tls.file, "tls.pem"), (tls.key, "tls.key")] {
                try await Self.run(["cp", from, "\(data)/\(name)"])
                try await Self.run(["chmod", "600", "\(data)/\(name)"])
                if getuid() == 0 { try await Self.run(["chown", "postgres", "\(data)/\(name)"]) }
            }
        }
        try await start()
    }

    deinit { if let pid = postmaster { Foundation.kill(pid, SIGINT) } }

    private var data: String { folder.file("data") }

    package func url(database: String = "postgres", as role: String? = nil, port: Int? = nil) -> String {
        "postgres://\(role ?? owner)@127.0.0.1:\(port ?? self.port)/\(database)"
    }

    /// Starts the server and returns when it answers.
    package func start() async throws {
        let settings =
            [
                "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=", "max_connections=300",
                "shared_buffers=64MB", "log_min_messages=warning", "logging_collector=off",
            ] + self.settings
        // The keeper ends the server when its own input ends, which it does with this process.
        let script = """
            exec 3<&0
            "$@" >"\(folder.file("log"))" 2>&1 & server=$!
            (cat >/dev/null; kill -INT $server 2>/dev/null) <&3 &
            wait $server
            """
        let process = Process()
        let input = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            Self.asServerUser + ["bash", "-c", script, "keeper", try Self.program("postgres"), "-D", data]
            + settings.flatMap { ["-c", $0] }
        process.currentDirectoryURL = URL(filePath: "/")
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        lifeline.withLock { $0 = input }
        for _ in 0..<600 {
            let ready = try await Program.run(
                try Self.program("pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)])
            if ready.status == 0 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        // Without a log its absence is told.
        let log = try? String(contentsOfFile: folder.file("log"), encoding: .utf8)
        throw PostgresTrouble("Postgres did not start: \(log?.suffix(1000) ?? "no log")")
    }

    /// SIGKILL to the whole server, as when the machine loses its power.
    package func kill() async throws {
        guard let pid = postmaster else { throw PostgresTrouble("no server runs") }
        Foundation.kill(pid, SIGKILL)
        await waitForEnd(of: pid)
    }

    /// Ends the server, if it runs.
    package func stop() async {
        guard let pid = postmaster else { return }
        Foundation.kill(pid, SIGINT)
        await waitForEnd(of: pid)
    }

    private func waitForEnd(of pid: pid_t) async {
        // Cut short by cancellation the wait is of no more use.
        for _ in 0..<200 where Foundation.kill(pid, 0) == 0 { try? await Task.sleep(for: .milliseconds(50)) }
        // Its children go a moment after it; a new server refuses to start beside them.
        try? await Task.sleep(for: .milliseconds(500))
    }

    private var postmaster: pid_t? {
        // Without the file no server runs.
        guard let text = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8) else { return nil }
        return text.split(separator: "\n").first.flatMap { pid_t($0) }
    }

    /// Makes an empty database; its URL.
    package func makeDatabase() async throws -> String {
        let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try await execute("CREATE DATABASE \(name)")
        return url(database: name)
    }

    /// What the statement gives, as text.
    @discardableResult
    package func execute(_ sql: String, in url: String? = nil) async throws -> String {
        try await psql(["-c", sql], url ?? self.url())
    }

    func psql(_ arguments: [String], _ url: String, input: String? = nil) async throws -> String {
        guard let psql = Program.find("psql") else { throw PostgresTrouble("psql is not installed") }
        let options = ["-XqAt", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
        let outcome = try await Program.run(
            psql, options + arguments + [url], input: input,
            environment: ["PGOPTIONS": "-c client_min_messages=warning"])
        guard outcome.status == 0 else { throw PostgresTrouble(outcome.errors) }
        return outcome.output.trimmingCharacters(in: .newlines)
    }

    /// The journal's schema as `pg_dump` writes it.
    package func dump(_ url: String) async throws -> String {
        try await Self.run([Self.program("pg_dump"), "--schema=throughline", url])
    }

    /// Runs what `dump` gave.
    package func restore(_ dump: String, to url: String) async throws {
        _ = try await psql(["-f", "-"], url, input: dump)
    }

    // MARK: Programs

    /// Where the newest version that is installed has its programs.
    private static let programs: String? = {
        let root = "/usr/lib/postgresql"
        // A folder that cannot be listed has no version in it.
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap { Int($0) }.max().map { "\(root)/\($0)/bin" }
        return newest.flatMap { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") ? $0 : nil }
    }()

    private static func program(_ name: String) throws -> String {
        guard let programs else { throw PostgresTrouble("postgresql is not installed; script/test installs it") }
        return programs + "/" + name
    }

    /// Words in front of a command that must not run as root.
    package static var asServerUser: [String] {
        getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    @discardableResult
    static func run(_ words: [String]) async throws -> String {
        let outcome = try await Program.run("/usr/bin/env", words, folder: "/")
        guard outcome.status == 0 else { throw PostgresTrouble(outcome.errors) }
        return outcome.output
    }
}
