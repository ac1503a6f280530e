import Foundation
import Journal
import JournalPostgres
import JournalSQLite
import Model
import Seams

/// Where the journal is kept.
enum JournalPlace: Sendable {
    case sqlite(path: String)
    case postgres(url: Redacted<String>)

    var isShared: Bool { if case .postgres = self { true } else { false } }

    /// Opens the journal; blocks while it recovers or its server answers.
    func open(as node: String, world: World) throws -> any JournalStore {
        switch self {
        case .sqlite(let path): try SQLiteJournal.open(path: path)
        case .postgres(let url): try PostgresJournal.open(url: url.revealed, node: node, world: world)
        }
    }

    /// The version of its schema; 0 where there is none yet.
    var version: Int {
        get throws {
            switch self {
            case .sqlite(let path):
                FileManager.default.fileExists(atPath: path) ? try SQLiteJournal.schemaVersions(path: path).journal : 0
            case .postgres(let url): try PostgresJournal.schemaVersions(url: url.revealed).journal
            }
        }
    }

    /// The steps that make it, in order.
    var migrations: [(version: Int, name: String, sql: String)] {
        switch self {
        case .sqlite: SQLiteJournal.migrations
        case .postgres: PostgresJournal.migrations
        }
    }

    /// Brings it to this version.
    func migrate() async throws {
        switch self {
        case .sqlite(let path): try await SQLiteJournal.open(path: path).close()
        case .postgres(let url): _ = try PostgresJournal.migrate(url: url.revealed)
        }
    }

    /// A name that no other process has.
    static func nodeName(_ chance: any ChanceSource) -> String {
        "\(ProcessInfo.processInfo.hostName)-\(getpid())-\(Crockford.encode(chance.bytes(5)))"
    }
}
