package import Foundation

/// A program of the system that a test runs to its end.
package enum Program {
    package struct Outcome: Sendable {
        package var status: Int32
        package var output: String
        package var errors: String
    }

    /// Runs it and waits; its output goes to files, which never fill up.
    @discardableResult
    package static func run(
        _ path: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
        folder: String? = nil
    ) async throws -> Outcome {
        await places.take()
        do {
            let outcome = try await OwnThread.run {
                try runHere(path, arguments, input: input, environment: environment, folder: folder)
            }
            await places.giveBack()
            return outcome
        } catch {
            await places.giveBack()
            throw error
        }
    }

    /// Few at a time: Foundation's way of noticing a process's end knows no descriptor above 1,023.
    private static let places = Places(count: 4)

    private actor Places {
        private var free: Int
        private var waiting: [CheckedContinuation<Void, Never>] = []

        init(count: Int) { free = count }

        func take() async {
            if free > 0 { return free -= 1 }
            await withCheckedContinuation { waiting.append($0) }
        }

        func giveBack() {
            guard !waiting.isEmpty else { return free += 1 }
            waiting.removeFirst().resume()
        }
    }

    private static func runHere(
        _ path: String, _ arguments: [String], input: String?, environment: [String: String], folder: String?
    ) throws -> Outcome {
        let files = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        func handle(_ name: String) throws -> FileHandle {
            try "".write(toFile: files.file(name), atomically: true, encoding: .utf8)
            return try FileHandle(forWritingTo: URL(filePath: files.file(name)))
        }
        process.standardOutput = try handle("out")
        process.standardError = try handle("err")
        if let input {
            try input.write(toFile: files.file("in"), atomically: true, encoding: .utf8)
            process.standardInput = try FileHandle(forReadingFrom: URL(filePath: files.file("in")))
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: files.file("out"), encoding: .utf8),
            errors: try String(contentsOfFile: files.file("err"), encoding: .utf8))
    }

    /// Where a program of that name stands in `PATH` or one of `folders`; nil where it is not installed.
    package static func find(_ name: String, in folders: [String] = []) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? []
        return (folders + path).map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// This project's own folder.
package enum ProjectFolder {
    package static let url = URL(filePath: #filePath).appending(path: "../../..").standardized

    package static func file(_ path: String) -> String { url.appending(path: path).path }
}
