import ArgumentParser
import Foundation
import Model
import Seams
import Settings

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a commented throughline.yaml and a .env with fresh secrets.",
        discussion: """
            Never overwrites: a file that is there stays as it is.

            Example:
              throughline init && throughline config check
            """)
    @Argument(help: "The folder.") var folder = "."
    @OptionGroup var common: CommonOptions

    func run() throws {
        let terminal = Terminal()
        try Self.makeFolder(folder)
        let chance = SystemChance()
        let environment = Starter.environment(chatRandom: chance.bytes(32), hookRandom: chance.bytes(32))
        var written: [String] = []
        let files: [(String, String, mode_t)] = [
            ("throughline.yaml", Starter.configuration, 0o644), (".env", environment, 0o600),
        ]
        for (name, text, mode) in files {
            if try Self.create(folder + "/" + name, text, mode: mode) { written.append(name) }
        }
        try Self.ignoreSecrets(in: folder)
        if common.json {
            return terminal.line((["written": .array(written.map { .string($0) })] as JSONValue).encodedText)
        }
        for (name, _, _) in files where !written.contains(name) { terminal.line("\(name) is there already; it stays.") }
        for name in written { terminal.line("Wrote \(name)") }
        terminal.line(
            "\nNext: put your provider's secrets into .env, then\n  throughline config check\n  throughline serve")
    }

    private static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                .unavailable,
                "The folder \(path) cannot be made. Name one where this user may write, and where no file stands.")
        }
    }

    /// False where the file exists.
    private static func create(_ path: String, _ text: String, mode: mode_t) throws -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
        if descriptor < 0 && errno == EEXIST { return false }
        guard descriptor >= 0 else {
            throw Failure(.unavailable, "\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(text.utf8))
        return true
    }

    /// A repository must not take the secrets or the journal along.
    private static func ignoreSecrets(in folder: String) throws {
        let path = folder + "/.gitignore"
        guard !FileManager.default.fileExists(atPath: path) else { return }
        _ = try create(path, ".env\n.throughline/\n*.db\n*.db-*\n", mode: 0o644)
    }
}
