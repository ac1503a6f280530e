import Crypto
import Foundation
import Model
import Seams
import TestKit

@testable import throughline

/// What a Supabase project runs beside its database: the door of its API, and Edge Functions under Deno.
final class SupabaseProcesses {
    static let tools = [ProjectFolder.file(".build/test-tools/bin")]
    static let deno = Program.find("deno", in: tools)
    static let python = Program.find("python3", in: tools)

    static func areInstalled() async -> Bool {
        guard SupabaseProject.isInstalled, deno != nil, let python else { return false }
        // The stand-in for PostgREST needs psycopg; a Python that does not start has none.
        return (try? await Program.run(python, ["-c", "import psycopg"]).status) == 0
    }

    static let jwtSecret = "the-project's-own-secret-of-32-characters"
    static let serviceKey = "sb_secret_for_the_tests"

    let project: SupabaseProject
    private(set) var gateway = 0
    private let logs: TemporaryFolder
    private var processes: [Process] = []

    init() async throws {
        project = try await SupabaseProject()
        logs = try TemporaryFolder()
        guard let python = Self.python else { throw Trouble("Python is not installed") }
        let (process, output) = try launch(
            python,
            [
                ProjectFolder.file("supabase/tests/gateway.py"), project.url(as: "authenticator"), Self.jwtSecret,
                Self.serviceKey,
            ], [:], named: "gateway")
        try await eventually("the gateway listens", within: 20) {
            guard process.isRunning else { throw Trouble("the gateway ended: \(self.log(of: "gateway"))") }
            gateway = Int(output().trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
            return gateway > 0
        }
    }

    var gatewayURL: String { "http://127.0.0.1:\(gateway)" }

    /// Starts an Edge Function as the platform does, with what the platform gives it; its address.
    func start(_ path: String, _ secrets: [String: String] = [:]) async throws -> String {
        guard let deno = Self.deno else { throw Trouble("Deno is not installed") }
        let port = try FreePort.find()
        let given = [
            "DENO_SERVE_ADDRESS": "tcp:127.0.0.1:\(port)", "SUPABASE_URL": gatewayURL,
            "SUPABASE_ANON_KEY": Self.token(["role": "anon"]),
            "SUPABASE_SECRET_KEYS": #"{"default": "\#(Self.serviceKey)"}"#, "NO_COLOR": "1",
        ]
        let arguments = ["run", "--no-prompt", "--no-remote", "--allow-net=127.0.0.1", "--allow-env"]
        let (process, _) = try launch(
            deno, arguments + [ProjectFolder.file("supabase/\(path)")], given.merging(secrets) { $1 },
            named: "function-\(port)")
        let url = "http://127.0.0.1:\(port)"
        try await eventually("the function \(path) listens", within: 30) {
            guard process.isRunning else { throw Trouble("\(path) ended: \(self.log(of: "function-\(port)"))") }
            // Any answer will do.
            return (try? await Self.send("HEAD", url)) != nil
        }
        return url
    }

    @discardableResult
    static func send(
        _ method: String, _ url: String, _ headers: [String: String] = [:], body: [UInt8] = []
    ) async throws(TransportError) -> InboundResponse {
        try await ServerProcess.http.send(
            OutboundRequest(
                method: method, url: url, headers: headers.map { .init($0.key, $0.value) }, body: body,
                timeout: .seconds(20)))
    }

    /// A token of the project for these claims.
    static func token(_ claims: JSONValue) -> String {
        func part(_ bytes: [UInt8]) -> String {
            Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
                "=", with: "")
        }
        let signed = part(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + part(claims.encoded)
        let key = SymmetricKey(data: Array(jwtSecret.utf8))
        let signature = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)
        return signed + "." + part(Array(signature))
    }

    private func launch(
        _ program: String, _ arguments: [String], _ environment: [String: String], named name: String
    ) throws -> (Process, () -> String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let files = ["out", "err"].map { logs.file("\(name).\($0)") }
        for file in files { try "".write(toFile: file, atomically: true, encoding: .utf8) }
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: files[0]))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: files[1]))
        // The gateway ends with its input; whoever holds the other end is this process.
        process.standardInput = Pipe()
        try process.run()
        processes.append(process)
        return (process, { (try? String(contentsOfFile: files[0], encoding: .utf8)) ?? "" })
    }

    private func log(of name: String) -> String {
        ["out", "err"].map { (try? String(contentsOfFile: logs.file("\(name).\($0)"), encoding: .utf8)) ?? "" }.joined()
    }

    deinit { for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}
