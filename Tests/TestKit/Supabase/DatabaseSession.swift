internal import Foundation

/// An open session in which a transaction can stay open while something else happens.
package final class DatabaseSession {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var number = 0

    init(url: String) throws {
        guard let psql = Program.find("psql") else { throw SupabaseTrouble("psql is not installed") }
        process.executableURL = URL(filePath: psql)
        process.arguments = ["-XqAt", "-v", "ON_ERROR_STOP=1", url]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    /// Runs statements, and returns when they are done; what they gave.
    @discardableResult
    package func run(_ sql: String) throws -> String {
        number += 1
        let mark = "done-\(number)"
        try input.fileHandleForWriting.write(contentsOf: Data("\(sql);\n\\echo \(mark)\n".utf8))
        var text = ""
        while !text.contains(mark) {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw SupabaseTrouble("the session ended: \(text)") }
            text += String(decoding: data, as: UTF8.self)
        }
        return text.replacing("\(mark)\n", with: "").trimmingCharacters(in: .newlines)
    }

    deinit { process.terminate() }
}
