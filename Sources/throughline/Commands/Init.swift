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

            --supabase also lays the kit into the product's own repository: the migration that makes the inbox, and the \
            Edge Functions stripe-webhook, chat-events and health with what they share.

            Examples:
              throughline init && throughline config check
              throughline init --supabase ~/acme
            """)
    @Flag(help: "Also write the migrations and Edge Functions of the Supabase kit.") var supabase = false
    @Argument(help: "The folder.") var folder = "."
    @OptionGroup var common: CommonOptions

    func run() throws {
        let terminal = Terminal()
        try Self.makeFolder(folder)
        let chance = SystemChance()
        let environment = Starter.environment(chatRandom: chance.bytes(32), hookRandom: chance.bytes(32))
        var written: [String] = []
        let files: [(String, String, mode_t)] = [
            ("throughline.yaml", supabase ? Starter.configurationWithInbox : Starter.configuration, 0o644),
            (".env", environment, 0o600),
        ]
        for (name, text, mode) in files {
            if try Self.create(folder + "/" + name, text, mode: mode) { written.append(name) }
        }
        try Self.ignoreSecrets(in: folder)
        let kit = supabase ? try KitLaying(ProductFolder(folder)).lay(at: SystemTime().now) : nil
        if common.json {
            var answer: JSONObject = ["written": .array((written + (kit?.written ?? [])).map { .string($0) })]
            if let kit { answer["differs"] = .array(kit.differing.map { .string($0) }) }
            return terminal.line(JSONValue.object(answer).encodedText)
        }
        for (name, _, _) in files where !written.contains(name) { terminal.line("\(name) is there already; it stays.") }
        for name in written { terminal.line("Wrote \(name)") }
        if let kit {
            kit.show(terminal)
            if try ProductFolder(folder).text(of: "throughline.yaml")?.contains("kind: inbox") == false {
                terminal.line(
                    "Add this under sources: in throughline.yaml: app: { kind: inbox, url: env:SUPABASE_DB_URL }")
            }
        }
        terminal.line(
            "\nNext: put your provider's secrets into .env (or take its source out of throughline.yaml), then\n  throughline config check\n  throughline serve"
        )
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
