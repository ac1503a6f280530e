internal import Foundation
internal import Synchronization

/// A Postgres server of our own on a free port of loopback, in a folder that goes with it.
///
/// The server refuses to run as root: there it runs as the user `postgres`. It ends with the process that started it,
/// however that ends.
package final class PostgresServer: Sendable {
    /// One for all tests of a run that need no more than databases; nothing in it outlives the run.
    package static let shared = Result { try PostgresServer(isDurable: false) }

    package struct Trouble: Error, CustomStringConvertible {
        package var description: String
    }

    /// Whether this machine has what it takes; the name says what is missing where it has not.
    package static var isInstalled: Bool { programs != nil }

    package let port: Int
    private let folder: String
    private let isDurable: Bool
    private let settings: [String]
    private let keeper: Mutex<Process?>

    /// With `isDurable` false nothing is synced: fast, and lost with the machine. `settings` are Postgres's own
    /// (`max_connections=10`); with `tls` it speaks TLS by that certificate.
    package init(isDurable: Bool, settings: [String] = [], tls: Certificate? = nil) throws {
        self.isDurable = isDurable
        self.settings = settings + (tls == nil ? [] : ["ssl=on", "ssl_cert_file=tls.pem", "ssl_key_file=tls.key"])
        port = try FreePort.find()
        folder = FileManager.default.temporaryDirectory.appending(path: "throughline-pg-\(UUID().uuidString)").path
        keeper = Mutex(nil)
        try Self.run(["mkdir", "-m", "700", folder])
        if getuid() == 0 { try Self.run(["chown", "postgres", folder]) }
        let initdb = [
            "initdb", "-D", folder + "/data", "-U", "throughline", "--auth=trust", "-E", "UTF8", "--locale=C",
        ]
        try Self.run(Self.asServerUser + [try Self.program("initdb")] + initdb.dropFirst() + ["--no-sync"])
        if let tls {
            for (from, name) in [(tls.file, "tls.pem"), (tls.key, "tls.key")] {
                try Self.run(["cp", from, "\(folder)/data/\(name)"])
                try Self.run(["chmod", "600", "\(folder)/data/\(name)"])
                if getuid() == 0 { try Self.run(["chown", "postgres", "\(folder)/data/\(name)"]) }
            }
        }
        try start()
    }

    deinit { stop() }

    package func url(database: String = "postgres", port: Int? = nil) -> String {
        "postgres://throughline@127.0.0.1:\(port ?? self.port)/\(database)"
    }

    /// Starts the server and returns when it answers.
    package func start() throws {
        var settings = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=", "max_connections=300",
            "shared_buffers=64MB", "log_min_messages=warning", "logging_collector=off",
        ]
        if !isDurable { settings += ["fsync=off", "full_page_writes=off", "autovacuum=off"] }
        settings += self.settings
        let postgres = try Self.program("postgres")
        // The keeper ends the server when its own input ends, which it does with this process.
        let script = """
            "$@" >"\(folder)/log" 2>&1 & server=$!
            (cat >/dev/null; kill -INT $server 2>/dev/null) <&3 &
            wait $server
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            Self.asServerUser + ["bash", "-c", "exec 3<&0; " + script, "keeper", postgres, "-D", folder + "/data"]
            + settings.flatMap { ["-c", $0] }
        process.standardInput = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        keeper.withLock { $0 = process }
        for _ in 0..<300 {
            if (try? Self.run(["psql", "-qAtX", url(), "-c", "SELECT 1"])) != nil { return }
            usleep(50_000)
        }
        let log = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
        throw Trouble(description: "Postgres did not start: \(log.suffix(1000))")
    }

    /// SIGKILL to the whole server, as when the machine loses its power.
    package func kill() throws {
        guard let pid = postmaster else { throw Trouble(description: "no server runs") }
        Foundation.kill(pid, SIGKILL)
        waitForEnd(of: pid)
    }

    /// Ends the server, if it runs.
    package func stop() {
        guard let pid = postmaster else { return }
        Foundation.kill(pid, SIGINT)
        waitForEnd(of: pid)
    }

    private func waitForEnd(of pid: pid_t) {
        for _ in 0..<200 where Foundation.kill(pid, 0) == 0 { usleep(50_000) }
        // Its children go a moment after it; a new server refuses to start beside them.
        usleep(500_000)
    }

    private var postmaster: pid_t? {
        guard let text = try? String(contentsOfFile: folder + "/data/postmaster.pid", encoding: .utf8)
        else { return nil }
        return text.split(separator: "\n").first.flatMap { pid_t($0) }
    }

    /// Makes an empty database; its URL.
    package func makeDatabase() throws -> String {
        let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try execute("CREATE DATABASE \(name)")
        return url(database: name)
    }

    /// What the statement gives, as text.
    @discardableResult
    package func execute(_ sql: String, in url: String? = nil) throws -> String {
        try Self.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", url ?? self.url(), "-c", sql])
    }

    /// The journal's schema as `pg_dump` writes it.
    package func dump(_ url: String) throws -> String {
        try Self.run([Self.program("pg_dump"), "--schema=throughline", url])
    }

    /// Runs what `dump` gave.
    package func restore(_ dump: String, to url: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "dump-\(UUID().uuidString).sql")
        try Data(dump.utf8).write(to: file)
        // The file is only a way to hand the text over.
        defer { try? FileManager.default.removeItem(at: file) }
        try Self.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", file.path, url])
    }

    // MARK: Programs

    private static let programs: String? = {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        return versions.max().map { "\(root)/\($0)/bin" }
    }()

    private static func program(_ name: String) throws -> String {
        guard let programs else { throw Trouble(description: "postgresql is not installed; script/test installs it") }
        return programs + "/" + name
    }

    /// Words in front of a command that must not run as root.
    package static var asServerUser: [String] {
        getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    @discardableResult
    static func run(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        process.currentDirectoryURL = URL(filePath: "/")
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Trouble(description: words) }
        return String(decoding: text, as: UTF8.self)
    }
}
