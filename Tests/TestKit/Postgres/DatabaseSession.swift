internal import Foundation
internal import Synchronization

/// An open session in which a transaction can stay open while something else happens.
package final class DatabaseSession: Sendable {
    private let process: Mutex<Process>
    private let input: FileHandle
    private let output: FileHandle
    private let count = Mutex(0)

    init(url: String) throws {
        guard let psql = Program.find("psql") else { throw PostgresTrouble("psql is not installed") }
        let (process, input, output) = (Process(), Pipe(), Pipe())
        process.executableURL = URL(filePath: psql)
        process.arguments = ["-XqAt", "-v", "ON_ERROR_STOP=1", url]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        (self.input, self.output) = (input.fileHandleForWriting, output.fileHandleForReading)
        self.process = Mutex(process)
    }

    /// Runs statements, and returns when they are done; what they gave.
    @discardableResult
    package func run(_ sql: String) async throws -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let mark = "done-\(number)"
        try input.write(contentsOf: Data("\(sql);\n\\echo \(mark)\n".utf8))
        return try await OwnThread.run { [output] in
            var text = ""
            while !text.contains(mark) {
                let data = output.availableData
                guard !data.isEmpty else { throw PostgresTrouble("the session ended: \(text)") }
                text += String(decoding: data, as: UTF8.self)
            }
            return text.replacing("\(mark)\n", with: "").trimmingCharacters(in: .newlines)
        }
    }

    deinit { process.withLock { $0.terminate() } }
}
