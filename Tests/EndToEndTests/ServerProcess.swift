import Foundation
import Model
import Seams
import TestKit

@testable import throughline

/// The real binary with its own folder: started, asked, killed and started again.
final class ServerProcess {
    let folder: TemporaryFolder
    let port: Int
    /// One for all: a client must be shut down before it goes, and this one stays until the process ends.
    static let http = OutboundHTTP()
    private var process: Process?
    /// What `launch` starts.
    var arguments = ["serve"]

    /// An empty folder.
    init() throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
    }

    /// A folder with a configuration and a `.env`; `configuration` gets the port that the server will have.
    convenience init(configuration: (Int) -> String, environment: [String: String]) throws {
        try self.init()
        try write(configuration(port), to: "throughline.yaml")
        let lines = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        try write(lines.joined(separator: "\n"), to: ".env")
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: folder.file(name), atomically: true, encoding: .utf8)
    }

    var base: String { "http://127.0.0.1:\(port)" }

    /// The product of this build, or the one that `THROUGHLINE_BINARY` names (a release build, say).
    static var binary: URL {
        if let named = ProcessInfo.processInfo.environment["THROUGHLINE_BINARY"] { return URL(filePath: named) }
        // The test bundle and the product lie in the same folder of the build.
        return Bundle.allBundles.map(\.bundleURL).map { $0.deletingLastPathComponent().appending(path: "throughline") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
            ?? SourceTree.root.appending(path: ".build/debug/throughline")
    }

    static var isOfThisBuild: Bool { ProcessInfo.processInfo.environment["THROUGHLINE_BINARY"] == nil }

    /// Starts the server and returns when it is ready.
    func start(through wrapper: [String] = [], environment: [String: String] = [:]) async throws {
        try launch(through: wrapper, environment: environment)
        try await isReady()
    }

    var isRunning: Bool { process?.isRunning == true }

    /// Starts the server where it must refuse; its exit status and its last words.
    func refusal(through wrapper: [String] = []) async throws -> (status: Int32, words: String) {
        let before = log.count
        try launch(through: wrapper)
        try await isDead(within: 20)
        return (process?.terminationStatus ?? 0, String(log.dropFirst(before)))
    }

    /// `dyingAt` is a `CrashPoint` with its number (`call.made:3`), for debug builds; `wrapper` is a command that becomes
    /// the one behind it (`prlimit --nofile=64`).
    func launch(
        dyingAt point: String? = nil, through wrapper: [String] = [], environment: [String: String] = [:]
    ) throws {
        let process = Process()
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let point { process.environment?["THROUGHLINE_CRASH_AT"] = point }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = wrapper + [Self.binary.path] + arguments
        process.currentDirectoryURL = URL(filePath: folder.path)
        let handle = try output("serve.log")
        try handle.seekToEnd()
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        self.process = process
    }

    /// Returns when the server that was launched is ready and on record.
    func isReady() async throws {
        guard let process else { throw Trouble("no server was started") }
        try await eventually("the server is ready", within: 20) {
            guard process.isRunning else { throw Trouble("the server ended: \(self.log.suffix(2000))") }
            guard LocalServer.find(folder: self.folder.path)?.process == process.processIdentifier else { return false }
            return await self.status("/readyz") == 200
        }
    }

    /// SIGKILL: no chance to tidy up.
    func kill() async throws {
        guard let process else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        try await eventually("the killed server is gone", within: 10) { !process.isRunning }
    }

    /// Returns when the server has died by itself.
    func isDead(within seconds: Double) async throws {
        try await eventually("the server dies", within: seconds) { self.process?.isRunning == false }
    }

    /// SIGHUP; returns when the log says that the configuration was taken over.
    func reload() async throws {
        guard let process else { throw Trouble("no server was started") }
        let before = log.ranges(of: "configuration reloaded").count
        Foundation.kill(process.processIdentifier, SIGHUP)
        try await eventually("the configuration is reloaded", within: 10) {
            self.log.ranges(of: "configuration reloaded").count > before
        }
    }

    /// SIGTERM, and the exit status.
    func stop() async throws -> Int32 {
        guard let process else { throw Trouble("no server was started") }
        process.terminate()
        try await eventually("the server ends", within: 35) { !process.isRunning }
        return process.terminationStatus
    }

    var log: String { (try? String(contentsOfFile: folder.file("serve.log"), encoding: .utf8)) ?? "" }

    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// A command of ours that goes on until it is ended.
    struct Running {
        let process: Process
        let path: String

        func output() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
        func end() { process.terminate() }
    }

    func begin(_ arguments: String...) throws -> Running {
        let process = Process()
        process.executableURL = Self.binary
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder.path)
        let name = "out-\(UUID())"
        process.standardOutput = try output(name)
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return Running(process: process, path: folder.file(name))
    }

    /// A command of ours in the server's folder.
    func run(_ arguments: String...) async throws -> Outcome {
        let process = Process()
        process.executableURL = Self.binary
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder.path)
        let (out, err) = ("out-\(UUID())", "err-\(UUID())")
        process.standardOutput = try output(out)
        process.standardError = try output(err)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        try await eventually("the command ends: \(arguments)", within: 30) { !process.isRunning }
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: folder.file(out), encoding: .utf8),
            errors: try String(contentsOfFile: folder.file(err), encoding: .utf8))
    }

    /// A file of the folder to write to; files and not pipes, which fill up when nobody reads them.
    private func output(_ name: String) throws -> FileHandle {
        let path = folder.file(name)
        if !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw Trouble("cannot make \(path)")
            }
        }
        return try FileHandle(forWritingTo: URL(filePath: path))
    }

    func send(
        _ method: String, _ path: String, headers: [OutboundRequest.Header] = [], body: [UInt8] = [],
        timeout: Duration = .seconds(20)
    ) async throws(TransportError) -> InboundResponse {
        try await Self.http.send(
            OutboundRequest(method: method, url: base + path, headers: headers, body: body, timeout: timeout))
    }

    /// Why the server is not ready; nil: it is.
    func unreadiness() async throws -> String? {
        let answer = try await send("GET", "/readyz")
        return answer.status == 200 ? nil : String(decoding: answer.body, as: UTF8.self)
    }

    func status(_ path: String) async -> Int? { try? await send("GET", path, timeout: .seconds(2)).status }

    /// A call with the local credential that the server left for commands.
    func api(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        guard let local = LocalServer.find(folder: folder.path) else { throw Trouble("no local server is on record") }
        return try await APIClient(base: base, credential: local.credential, http: Self.http)
            .call(method, path, body: body)
    }

    deinit {
        if let process, process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    }
}

struct Trouble: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Asks again until it holds; fails with what was waited for.
func eventually(_ what: String, within seconds: Double, _ holds: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await holds() { return }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw Trouble("not within \(seconds) s: \(what)")
}

enum SourceTree {
    static let root = URL(filePath: #filePath).appending(path: "../../..").standardized
}
