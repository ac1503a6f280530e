import ArgumentParser
import ConnectorKit
import Connectors
import Foundation
import JournalPostgres
import JournalSQLite
import Model
import Seams
import Settings

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks the configuration.", subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells everything that is wrong with the configuration, at once.",
            discussion: """
                --connect also asks each destination whether the credential works and the mapped fields exist, and each \
                inbox whether it can be drained; --create makes custom properties that are missing. Exit code 0 where all is well, else 1.

                Examples:
                  throughline config check
                  throughline config check --connect --create
                """)
        @Flag(help: "Ask each destination and inbox too.") var connect = false
        @Flag(help: "With --connect: make custom properties that are missing.") var create = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if create && !connect { throw ValidationError("--create needs --connect.") }
        }

        func run() async throws {
            let terminal = Terminal()
            let (reading, file, folder) = try ConfigurationLoader.read(common.config)
            let secrets = ConfigurationLoader.secrets(reading, file: file, folder: folder)
            var report = Report(problems: (reading.problems + secrets.problems))
            if connect, let settings = reading.settings, report.isSound {
                report.destinations = try await ask(settings, secrets.secrets)
                report.inboxes = await InboxFinding.gather(settings, secrets.secrets)
            }
            report.show(terminal, json: common.json)
            if !report.isSound { throw DoesNotHold() }
        }

        private func ask(_ settings: Settings, _ secrets: ResolvedSecrets) async throws -> [DestinationFinding] {
            try await OutboundHTTP.with { http in
                let world = World(time: SystemTime(), chance: SystemChance(), http: http, mail: http)
                let connectors = ConnectorFactory.make(settings: settings, secrets: { secrets[$0] }, world: world)
                var findings: [DestinationFinding] = []
                for destination in settings.destinations {
                    guard let connector = connectors[destination.name] else { continue }
                    let flows = settings.flows.filter { $0.calls.contains { $0.destination == destination.name } }
                    findings.append(
                        await DestinationFinding.gather(
                            destination.name, connector: connector, flows: flows, isCreating: create))
                }
                return findings
            }
        }
    }

    private struct Report {
        var problems: [SettingsProblem]
        var destinations: [DestinationFinding] = []
        var inboxes: [InboxFinding] = []

        var isSound: Bool {
            !problems.contains { $0.severity == .error } && destinations.allSatisfy(\.isSound)
                && inboxes.allSatisfy { $0.trouble == nil }
        }

        func show(_ terminal: Terminal, json: Bool) {
            if json {
                let object: JSONValue = [
                    "ok": .bool(isSound),
                    "problems": .array(
                        problems.map { problem in
                            [
                                "severity": .string(problem.severity.rawValue), "file": .string(problem.file),
                                "line": .int(Int64(problem.line)), "key": .string(problem.key),
                                "message": .string(problem.message),
                            ]
                        }), "destinations": .array(destinations.map(\.json)),
                    "inboxes": .array(inboxes.map(\.json)),
                ]
                return terminal.line(object.encodedText)
            }
            for problem in problems { terminal.note(problem.description) }
            for finding in destinations { finding.lines.forEach { terminal.line($0) } }
            for finding in inboxes { terminal.line(finding.line) }
            terminal.line(isSound ? terminal.styled("The configuration is sound.", .green) : "Not sound yet.")
        }
    }
}

/// What a destination says of its credential and of the fields that flows write.
struct DestinationFinding: Sendable {
    var name: String
    var trouble: String?
    var missing: [String]
    var created: [String]

    var isSound: Bool { trouble == nil && missing.isEmpty }

    static func gather(
        _ name: String, connector: any Connector, flows: [Flow], isCreating: Bool
    ) async -> DestinationFinding {
        var finding = DestinationFinding(name: name, trouble: nil, missing: [], created: [])
        switch await connector.probe() {
        case .succeeded: break
        case .transient(let trouble, _, _), .slowDown(let trouble, _), .permanent(let trouble),
            .credentials(let trouble), .blocked(let trouble):
            finding.trouble = trouble.message
            return finding
        }
        let requirements = await connector.missingRequirements(for: flows, isCreating: isCreating)
        finding.missing = requirements.missing
        finding.created = requirements.created
        finding.trouble = requirements.trouble?.message
        return finding
    }

    var lines: [String] {
        var lines = ["\(name): " + (trouble ?? "the credential works")]
        lines += created.map { "  made: \($0)" }
        lines += missing.map {
            "  missing: \($0) (throughline config check --connect --create makes custom properties)"
        }
        return lines
    }

    var json: JSONValue {
        [
            "name": .string(name), "ok": .bool(isSound), "trouble": trouble.map { .string($0) } ?? .null,
            "missing": .array(missing.map { .string($0) }), "created": .array(created.map { .string($0) }),
        ]
    }
}

/// What the database of an `inbox` source says of our role.
struct InboxFinding: Sendable {
    var name: String
    var trouble: String?

    static func gather(_ settings: Settings, _ secrets: ResolvedSecrets) async -> [InboxFinding] {
        var findings: [InboxFinding] = []
        for source in settings.sources {
            guard case .inbox(let url) = source.kind, let address = secrets[url] else { continue }
            do {
                try await PostgresInbox(source: source.name, url: address, time: SystemTime()).probe()
                findings.append(InboxFinding(name: source.name))
            } catch {
                let message = (error as? Failure)?.message ?? "The database gives no sense: \(error)"
                findings.append(InboxFinding(name: source.name, trouble: message))
            }
        }
        return findings
    }

    var line: String { "\(name): " + (trouble ?? "the inbox can be drained") }

    var json: JSONValue {
        ["name": .string(name), "ok": .bool(trouble == nil), "trouble": trouble.map { .string($0) } ?? .null]
    }
}

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Brings the journal to this version.",
        discussion: """
            serve does it by itself on SQLite, and on Postgres only when told. There is no way back: make a backup \
            first.

            --from and --to move a journal with its whole history from a file to a database that holds none, while no \
            server runs. A move that was interrupted goes on where it ended; the file is retired only when all tables add \
            up to the same on both sides. --take-back makes a retired file fit to be served again, with its open jobs held.

            Examples:
              throughline migrate --print
              throughline migrate
              throughline migrate --from sqlite:throughline.db --to env:DATABASE_URL
            """)
    @Flag(help: "Show the statements that would run, and change nothing.") var print = false
    @Option(help: "Move the journal out of this file (sqlite:FILE).") var from: String?
    @Option(help: "Where to: a Postgres URL or env:NAME (default: the configuration's journal).") var to: String?
    @Flag(help: "With --from: empty what an unfinished move left, and begin anew.") var restart = false
    @Option(help: "Let a file that was moved away be served again (sqlite:FILE).") var takeBack: String?
    @OptionGroup var consent: ConsentOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if from == nil, to != nil || restart { throw ValidationError("--to and --restart need --from.") }
        if [from != nil, takeBack != nil, print].filter({ $0 }).count > 1 {
            throw ValidationError("--from, --take-back and --print do different things: give one.")
        }
    }

    func run() async throws {
        if let from {
            return try await MoveRun(from: from, to: to, isRestarting: restart, consent: consent, common: common).run()
        }
        if let takeBack { return try await self.takeBack(takeBack) }
        try await migrate()
    }

    private func takeBack(_ place: String) async throws {
        let terminal = Terminal()
        let path = try MoveRun.path(place)
        let question =
            "What came since the move is not in \(path). Its open jobs will be held, for they may have been done. Go on?"
        guard try terminal.confirms(question, isYes: consent.yes) else { throw DoesNotHold() }
        let journal = try SQLiteJournal.openToMove(path: path)
        let isTaken = try await journal.takeBack()
        try await journal.close()
        if common.json { return terminal.line((["taken_back": .bool(isTaken)] as JSONValue).encodedText) }
        terminal.line(isTaken ? "\(path) can be served again." : "\(path) was not moved; nothing was changed.")
    }

    private func migrate() async throws {
        let terminal = Terminal()
        let loaded = try ConfigurationLoader.load(common.config, needsSecrets: false)
        let place = try loaded.journal
        let before = try place.version
        let missing = place.migrations.filter { $0.version > before }
        if print, common.json {
            return terminal.line(
                ([
                    "version": .int(Int64(before)),
                    "migrations": .array(
                        missing.map {
                            ["version": .int(Int64($0.version)), "name": .string($0.name), "sql": .string($0.sql)]
                        }),
                ] as JSONValue).encodedText)
        }
        if print {
            if before == place.migrations.last?.version {
                terminal.line("-- The journal is at version \(before); nothing would run.")
            }
            for migration in missing {
                terminal.line("-- \(migration.version): \(migration.name)\n\(migration.sql)")
            }
            return
        }
        try await place.migrate()
        let after = try place.version
        if common.json {
            return terminal.line(
                (["before": .int(Int64(before)), "after": .int(Int64(after))] as JSONValue).encodedText)
        }
        terminal.line(before == after ? "The journal is at version \(after)." : "From version \(before) to \(after).")
    }
}

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a consistent copy of the journal, also while the server runs.",
        discussion: """
            A journal that is restored from a copy starts with its open jobs held, for later effects may have happened.

            Example:
              throughline backup /backups/throughline-2026-11-23.db
            """)
    @Argument(help: "The new file; it must not exist.") var file: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let loaded = try ConfigurationLoader.load(common.config, needsSecrets: false)
        guard case .sqlite(let source) = try loaded.journal else {
            throw Failure(
                .usage,
                "A journal in Postgres is backed up by the database's own means: pg_dump --schema=throughline, or its "
                    + "archive of the log (docs/postgres.md).")
        }
        let journal = try SQLiteJournal.open(path: source, mode: .readOnly)
        let target = URL(filePath: file).standardizedFileURL.path
        do {
            try await journal.backup(to: target)
        } catch let failure as Failure {
            throw Self.named(failure, source: source, target: target)
        }
        try await journal.close()
        let terminal = Terminal()
        terminal.line(common.json ? (["file": .string(target)] as JSONValue).encodedText : "Wrote \(target)")
    }

    /// Calls the file that failed by what it is: damage is the journal's, all else befalls the copy.
    static func named(_ failure: Failure, source: String, target: String) -> Failure {
        var named = failure
        let isDamage = failure.message.contains("is damaged")
        named.message = failure.message.replacingOccurrences(
            of: "journal \(target)", with: isDamage ? "journal \(source)" : "backup \(target)")
        return named
    }
}
