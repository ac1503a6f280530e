internal import GRDB
internal import Journal
internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The journal in one SQLite file: durable at each acknowledgement, one owner, one writer.
///
/// Its parts are in `Queries`, by the part of the journal that they serve; each is SQL on the writer's or a reader's
/// connection.
package final class SQLiteJournal: JournalStore {
    package enum Mode: Sendable, Hashable {
        /// The owner of a journal that exists.
        case own
        /// The owner; makes the file where there is none.
        case create
        /// Beside an owner in another process: reads and copies, every change is refused.
        case readOnly
    }

    let writer: JournalWriter
    let reader: JournalReader
    let copier: JournalReader
    let tender: LogTender
    let log: JournalLog
    let requests = RequestQueue()
    let looks = LookQueue()
    let path: String

    private init(
        file: JournalFile, writer: any SerialExecutor, reader: any SerialExecutor, copier: any SerialExecutor,
        tender: any SerialExecutor, logLengthMax: Int
    ) {
        path = file.path
        log = JournalLog(lengthMax: logLengthMax)
        self.writer = JournalWriter(file: file, log: log, executor: writer)
        self.tender = LogTender(file: file, executor: tender)
        self.reader = JournalReader(file: file, executor: reader)
        self.copier = JournalReader(file: file, executor: copier)
    }

    /// Opens the journal and makes it whole after whatever ended its last owner.
    ///
    /// Blocks for as long as recovery takes. `executor` replaces the threads on which the journal works (simulation).
    /// `logLengthMax` is the number of pages after which `tendLog` brings the log into the file.
    /// Throws `journalLocked` where another process owns it, `notFound` where there is none to own, `journal` where
    /// the file is none, is damaged, cannot be made durable, was moved to another store (but for `isMoving`), or is newer
    /// than this version; with `isMigrating` false also where it is older.
    package static func open(
        path: String, mode: Mode = .create, isMigrating: Bool = true, isMoving: Bool = false,
        executor: (any SerialExecutor)? = nil,
        logLengthMax: Int = 2000
    ) throws -> SQLiteJournal {
        if mode != .create, access(path, F_OK) != 0 {
            throw Failure(.notFound, "There is no journal at \(path). Start the server once, or check `journal`.")
        }
        let file = try JournalFile(path: path, mode: mode)
        do {
            if mode == .readOnly {
                try file.pool().read { try refuseOlder($0, path: path) }
            } else {
                try file.pool().writeWithoutTransaction { db in
                    if !isMoving { try refuseMoved(db, path: path) }
                    if isMigrating { try Schema.migrate(db) } else { try refuseOlder(db, path: path) }
                    let isRestored = try JournalWriter.commit(db) { try Recovery.recover(onDesk: file.leftOnDesk, $0) }
                    // From now on the file itself says that it is a backup no more.
                    if isRestored { try JournalFile.writeLogBack(db) }
                }
                file.note(onDesk: nil)
            }
        } catch {
            throw SQLiteTrouble.failure(error, path: path)
        }
        return try SQLiteJournal(
            file: file, writer: executor ?? thread(), reader: executor ?? thread(), copier: executor ?? thread(),
            tender: executor ?? thread(), logLengthMax: logLengthMax)
    }

    /// The schema that the journal at `path` has, and the one that this version writes.
    ///
    /// Changes nothing.
    package static func schemaVersions(path: String) throws -> (journal: Int, program: Int) {
        let file = try JournalFile(path: path, mode: .readOnly)
        do {
            let version = try file.pool().read(Schema.version)
            try file.close()
            return (version, Schema.current)
        } catch {
            throw SQLiteTrouble.failure(error, path: path)
        }
    }

    /// The statements that make a journal of this version, in order (`migrate --print`).
    package static var migrations: [(version: Int, name: String, sql: String)] {
        Migration.all.map { ($0.version, $0.name, $0.sql) }
    }

    /// Closes the file and lets go of it; calls after this throw `unavailable`.
    package func close() async throws {
        try await writer.close()
    }

    /// A journal that lives on elsewhere is not served here: what both would do would happen twice.
    ///
    /// One whose move has not ended is this journal still, and its move is to begin anew.
    private static func refuseMoved(_ db: Database, path: String) throws {
        guard try Schema.version(db) > 0 else { return }
        if let moved = try db.first("SELECT at FROM marks WHERE name = 'moved'", read: { $0.instant(0) }) {
            throw Failure(
                .journal,
                "The journal \(path) was moved to Postgres on \(moved); what came since is there alone. Let `journal` "
                    + "name that database. To go back to this file: throughline migrate --take-back sqlite:\(path)")
        }
        try db.run("DELETE FROM marks WHERE name = 'moving'")
    }

    private static func refuseOlder(_ db: Database, path: String) throws {
        let version = try Schema.version(db)
        guard version == Schema.current else {
            throw Failure(
                .journal,
                "The journal \(path) has schema \(version), this version needs \(Schema.current). Run "
                    + "`throughline migrate`.")
        }
    }

    private static func thread() throws -> ThreadExecutor {
        guard let executor = ThreadExecutor.start() else {
            throw Failure(.unavailable, "The system gives no thread for the journal. Raise the limit on threads.")
        }
        return executor
    }
}
