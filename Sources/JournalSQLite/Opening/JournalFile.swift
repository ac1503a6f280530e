internal import CSQLiteSetup
internal import GRDB
internal import Journal
internal import Model
internal import Synchronization

/// The file under the journal and the connections to it, which are made anew after the disk has failed.
final class JournalFile: Sendable {
    private struct State {
        var pool: DatabasePool?
        /// The connection that brings the log into the file beside the writer; made when it is first needed.
        var tender: DatabaseQueue?
        var lock: JournalLock?
        /// A commit has failed: nothing that the connections believe is trusted.
        var isSuspect = false
        /// SQLite has found it damaged: nothing is written to it any more.
        var isDamaged = false
        /// The file that was opened, and its log; nil where the system does not tell.
        var identity: FileIdentity?
        var logIdentity: FileIdentity?
        var index: LogIndex?

        /// Takes over new connections: which log they write to, and where it is told how far it goes.
        mutating func connected(_ pool: DatabasePool, path: String) {
            self.pool = pool
            logIdentity = JournalLock.identity(of: path + "-wal")
            if index == nil || index?.identity != JournalLock.identity(of: path + "-shm") {
                index = LogIndex(journal: path)
            }
        }
    }

    let path: String
    let mode: SQLiteJournal.Mode
    private let log: String
    private let state: Mutex<State>

    init(path: String, mode: SQLiteJournal.Mode) throws {
        _ = Self.setup
        self.path = path
        self.mode = mode
        log = path + "-wal"
        let lock = mode == .readOnly ? nil : try JournalLock(journal: path)
        if let lock {
            try JournalLock.checkAccess(path)
            try LogCheck.check(path, noted: lock.leftLog)
        }
        if mode == .create { JournalLock.makePrivate(path) }
        do {
            if lock != nil { try StartCheck.run(path) }
            let pool = try Self.connect(path, mode, lock)
            var state = State(lock: lock, identity: JournalLock.identity(of: path))
            if lock != nil { state.connected(pool, path: path) } else { state.pool = pool }
            self.state = Mutex(state)
        } catch {
            throw SQLiteTrouble.failure(error, path: path)
        }
    }

    /// The connections; made anew where the disk has failed since.
    func pool() throws -> DatabasePool {
        try state.withLock { state in
            if state.isSuspect, let old = state.pool {
                // Readers first: they would hold the log that is brought into the file. A connection that failed may
                // fail to close; it is dropped either way.
                try state.lock?.noteOnDisk(.unknown)
                old.releaseMemory()
                try? state.tender?.close()  // The same holds for the one beside it.
                state.tender = nil
                try? old.close()
                let pool = try Self.connect(path, mode, state.lock)
                if state.lock != nil { state.connected(pool, path: path) } else { state.pool = pool }
                state.isSuspect = false
            }
            guard let pool = state.pool else {
                throw Failure(.unavailable, "The journal \(path) is closed. Start the server again.")
            }
            return pool
        }
    }

    /// The connection that brings the log into the file beside the writer.
    func tender() throws -> DatabaseQueue {
        try state.withLock { state in
            guard state.pool != nil else {
                throw Failure(.unavailable, "The journal \(path) is closed. Start the server again.")
            }
            if let tender = state.tender { return tender }
            let tender = try DatabaseQueue(path: path, configuration: Self.configuration(mode))
            try tender.inDatabase(Self.makeDurable)
            state.tender = tender
            return tender
        }
    }

    /// Refuses to write to a file that is damaged, or that is no longer the one at its path: what goes there would be
    /// acknowledged and lost.
    func checkSound() throws {
        let (isDamaged, identity, logIdentity) = state.withLock { ($0.isDamaged, $0.identity, $0.logIdentity) }
        if isDamaged {
            throw Failure(
                .journal, "The journal \(path) is damaged. Nothing is taken; stop the server and restore a backup.")
        }
        if let identity, JournalLock.identity(of: path) != identity {
            throw Failure(
                .journal,
                "The journal \(path) was removed or replaced while the server runs. Nothing is taken; stop the server, "
                    + "see that the right file lies there, and start it again.")
        }
        if let logIdentity, JournalLock.identity(of: log) != logIdentity {
            throw Failure(
                .journal,
                "The journal's log \(log) was removed or replaced while the server runs. Nothing is taken; stop the "
                    + "server in order (SIGTERM), which brings what it still holds into the journal, and start it again."
            )
        }
    }

    /// Leaves on record how far the log goes; the writer calls it after each commit and before anyone hears of it.
    func noteLog() {
        state.withLock { state in
            if let lock = state.lock, let extent = state.index?.extent() { lock.note(log: extent) }
        }
    }

    /// Leaves on record that nothing is known of the log, before it is emptied: an empty one would be missed else.
    func noteLogUnknown() throws { try state.withLock { try $0.lock?.noteOnDisk(.unknown) } }

    /// Notes what an error says of the file.
    func note(_ error: any Error) {
        guard let error = error as? DatabaseError, [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) else {
            return
        }
        state.withLock { $0.isDamaged = true }
    }

    func suspect() { state.withLock { $0.isSuspect = true } }

    /// The event in whose planning the last owner ended.
    var leftOnDesk: Int64? { state.withLock { $0.lock?.leftOnDesk } }

    func note(onDesk seq: Int64?) { state.withLock { $0.lock?.note(onDesk: seq) } }

    /// Closes the connections and gives the file free.
    func close() throws {
        try state.withLock { state in
            guard let pool = state.pool else { return }
            // The log is about to go, and its record before it.
            try state.lock?.noteOnDisk(.unknown)
            // The others first: only a writer that is the last to close brings the log into the file.
            try state.tender?.close()
            pool.releaseMemory()
            try pool.close()
            // A reader in another process may still hold the log. Where it has no index, it is no file.
            let isClosed = state.index != nil && JournalLock.identity(of: log) == nil
            (state.pool, state.tender, state.index, state.identity, state.logIdentity) = (nil, nil, nil, nil, nil)
            if isClosed { try state.lock?.noteOnDisk(.closed) }
            state.lock = nil
        }
    }

    /// Once a process, before its first connection; a process that had one before goes on a little slower.
    private static let setup: CInt = tl_sqlite_skip_memory_statistics()

    private static func connect(_ path: String, _ mode: SQLiteJournal.Mode, _ lock: JournalLock?) throws
        -> DatabasePool
    {
        if let lock {
            // Opening it may write to the log already.
            try lock.noteOnDisk(.unknown)
            try writeLogAgain(path)
        }
        let pool = try DatabasePool(path: path, configuration: configuration(mode))
        try pool.read { try Schema.check($0, path: path) }
        if lock != nil {
            try pool.writeWithoutTransaction(makeDurable)
            try pool.writeWithoutTransaction(writeLogBack)
        }
        return pool
    }

    /// Makes the log be on the disk what it is in memory, before SQLite reads it.
    ///
    /// After a sync that failed the system may hold pages of it only in memory and take them for written, also over a
    /// restart of the program. Were they brought into the file as they are, a power loss before the log is emptied on
    /// the disk would leave an older log over a newer file, which SQLite would mix.
    private static func writeLogAgain(_ path: String) throws {
        let code = ResultCode(rawValue: tl_sqlite_write_again(path + "-wal"))
        guard code == .SQLITE_OK else { throw DatabaseError(resultCode: code) }
    }

    /// Brings the log into the file before anything is acknowledged on top of it, so that each start has a short one.
    static func writeLogBack(_ db: Database) throws {
        let isBusy = try db.first("PRAGMA wal_checkpoint(TRUNCATE)") { $0.flag(0) }
        guard isBusy == false else { throw DatabaseError(resultCode: .SQLITE_BUSY) }
    }

    static func configuration(_ mode: SQLiteJournal.Mode) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = mode == .readOnly
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        configuration.label = "journal"
        configuration.prepareDatabase { db in
            guard !db.configuration.readonly else { return }
            // What is erased is overwritten. What a statement may have to take back stays in memory, since it is small
            // and files for it would be made and removed all the time. The log is brought in beside the writer (LogTender);
            // by itself the writer does it only where nobody tends it, at 16,000 pages (64 MB).
            try db.execute(
                sql: "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 16000; "
                    + "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768")
        }
        return configuration
    }

    /// A commit returns only when it is on the disk.
    ///
    /// Setting up write-ahead logging has left `synchronous` at NORMAL, which loses commits with the power.
    static func makeDurable(_ db: Database) throws {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        guard try db.count("PRAGMA synchronous") == 2,
            try db.first("PRAGMA journal_mode", read: { $0.text(0) }) == "wal"
        else {
            throw Failure(
                .journal,
                "The journal cannot be made durable: SQLite does not take `synchronous = FULL` with a "
                    + "write-ahead log here. Put it on a local disk.")
        }
    }
}
