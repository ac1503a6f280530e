import Foundation
import Journal
import JournalPostgres
import JournalSQLite
import Model
import Seams
import Settings

/// Moves the embedded journal to Postgres, or takes it back.
struct MoveRun {
    var from: String
    /// Nil: the configuration's journal.
    var to: String?
    var isRestarting: Bool
    var consent: ConsentOptions
    var common: CommonOptions

    private static let scheme = "sqlite:"

    static func path(_ place: String) throws -> String {
        guard place.hasPrefix(scheme), place.count > scheme.count else {
            throw Failure(.usage, "A journal is moved out of a file: write sqlite:FILE.")
        }
        return URL(filePath: String(place.dropFirst(scheme.count))).standardizedFileURL.path
    }

    func run() async throws {
        let terminal = Terminal()
        let path = try Self.path(from)
        let url = consent.dryRun ? nil : try url()
        let source = try Self.open(path)
        do {
            if let url { try await move(source, url, terminal) } else { try await showPlan(source, terminal) }
        } catch {
            // The first error is the one to tell; the lock goes with the process.
            try? await source.close()
            throw error
        }
        try await source.close()
    }

    private func move(_ source: SQLiteJournal, _ url: Redacted<String>, _ terminal: Terminal) async throws {
        let time = SystemTime()
        if isRestarting {
            let question = "--restart empties what an unfinished move left in the database. Go on?"
            guard try terminal.confirms(question, isYes: consent.yes) else { throw DoesNotHold() }
        }
        let target = try PostgresMoveTarget(url: url.revealed, time: time)
        let begun = time.uptime
        let report = try await Mover(from: source, to: target)
            .run(stamp: time.now.milliseconds, isRestarting: isRestarting) { progress in
                terminal.progress("\(progress.step.rawValue) \(progress.table): \(progress.done) of \(progress.of)")
            }
        terminal.endProgress()
        show(report, to: target.name, seconds: (time.uptime - begun).components.seconds, terminal)
        await target.close()
    }

    private func showPlan(_ source: SQLiteJournal, _ terminal: Terminal) async throws {
        let plan = try await Mover.plan(of: source)
        if common.json {
            let tables = plan.map { ["table": .string($0.table), "rows": .int(Int64($0.rows))] as JSONValue }
            return terminal.line((["tables": .array(tables)] as JSONValue).encodedText)
        }
        terminal.table(["table", "rows"], plan.map { [$0.table, "\($0.rows)"] })
        terminal.line("Nothing was changed.")
    }

    private func show(_ report: Mover.Report, to name: String, seconds: Int64, _ terminal: Terminal) {
        if common.json {
            let object: JSONValue = [
                "from": .string(from), "to": .string(name), "seconds": .int(seconds),
                "already_moved": .bool(report.standing == .finished), "resumed": .bool(report.standing == .resumed),
                "tables": .array(
                    report.tables.map {
                        ["table": .string($0.name), "rows": .int(Int64($0.rows)), "digest": .string($0.digest)]
                    }),
            ]
            return terminal.line(object.encodedText)
        }
        if report.standing == .finished {
            return terminal.line("\(from) was moved to \(name) before; nothing is left to do.")
        }
        terminal.table(
            ["table", "rows", "digest"],
            report.tables.filter { $0.rows > 0 }.map { [$0.name, "\($0.rows)", String($0.digest.prefix(16))] })
        terminal.line(
            "Moved to \(name) in \(seconds) s; every table adds up to the same on both sides. Let `journal` name that "
                + "database and start the servers. \(from) stays as it is and is not served any more.")
    }

    // MARK: Places

    private static func open(_ path: String) throws -> SQLiteJournal {
        do {
            return try SQLiteJournal.openToMove(path: path)
        } catch let failure as Failure where failure.code == .journalLocked {
            throw Failure(
                .journalLocked,
                "\(failure.message) A journal moves only while nobody writes to it: stop the server (SIGTERM), move, and "
                    + "start it on the new journal. What senders deliver meanwhile they deliver again.")
        }
    }

    private func url() throws -> Redacted<String> {
        guard let to else {
            let place = try ConfigurationLoader.load(common.config, needsSecrets: false).journal
            guard case .postgres(let url) = place else {
                throw Failure(.usage, "Where to? Name a database with --to, or let `journal` name it.")
            }
            return url
        }
        return try DatabaseURL.resolve(to, config: common.config)
    }
}

/// The address of a database as a command takes it: itself, or `env:NAME`, which shows no password to who lists processes.
enum DatabaseURL {
    /// `config` says beside which file `.env` lies.
    static func resolve(_ text: String, config: String?) throws -> Redacted<String> {
        guard text.hasPrefix("env:") else { return Redacted(text) }
        let name = String(text.dropFirst("env:".count))
        let file = (ConfigurationLoader.path(config) as NSString).deletingLastPathComponent + "/.env"
        let written = FileManager.default.contents(atPath: file).map {
            DotEnv.parse(String(decoding: $0, as: UTF8.self))
        }
        let values = SecretReader.merged(
            process: ProcessInfo.processInfo.environment, dotEnv: written?.values ?? [:])
        guard let value = values[name] else {
            throw Failure(.configuration, "\(text) is not set. Put it into .env or into the environment.")
        }
        return Redacted(value)
    }
}
