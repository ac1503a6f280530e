internal import Foundation

/// pgbouncer between us and a server, handing each transaction to whichever of few server processes is free.
package final class TransactionPooler: Sendable {
    private static let program = "/usr/sbin/pgbouncer"
    package static var isInstalled: Bool {
        PostgresServer.isInstalled && FileManager.default.isExecutableFile(atPath: program)
    }

    package let port: Int
    private let folder: TemporaryFolder
    /// Held open for as long as it is to run.
    private let lifeline: Pipe

    /// `connections` is the number of the server's processes behind it, for each database.
    package init(to server: PostgresServer, connections: Int) async throws {
        port = try FreePort.find()
        folder = try TemporaryFolder()
        try await PostgresServer.run(["chmod", "755", folder.path])
        try #""throughline" """#.write(toFile: folder.file("users.txt"), atomically: true, encoding: .utf8)
        try """
        [databases]
        * = host=127.0.0.1 port=\(server.port)
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = trust
        auth_file = \(folder.file("users.txt"))
        pool_mode = transaction
        default_pool_size = \(connections)
        max_client_conn = 200
        """.write(toFile: folder.file("pgbouncer.ini"), atomically: true, encoding: .utf8)
        let process = Process()
        lifeline = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // It ends when its own input ends, which it does with this process.
        let script = """
            "$@" >/dev/null 2>&1 & pooler=$!
            (cat >/dev/null; kill -INT $pooler 2>/dev/null) <&3 &
            wait $pooler
            """
        process.arguments =
            PostgresServer.asServerUser + [
                "bash", "-c", "exec 3<&0; " + script, "keeper", Self.program, folder.file("pgbouncer.ini"),
            ]
        process.standardInput = lifeline
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<200 {
            let url = server.url(port: port)
            // Until it listens psql has nobody to speak to.
            if (try? await PostgresServer.run(["psql", "-qAtX", url, "-c", "SELECT 1"])) != nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw PostgresTrouble("pgbouncer did not start")
    }

    /// The same database through the pooler.
    package func url(_ url: String, of server: PostgresServer) -> String {
        url.replacing(":\(server.port)/", with: ":\(port)/")
    }
}
