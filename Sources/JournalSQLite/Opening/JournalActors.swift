internal import GRDB
internal import Journal
internal import Model

/// The one writer. Its work runs on a thread of its own, one transaction after the other.
actor JournalWriter {
    private let executor: any SerialExecutor
    let file: JournalFile
    let log: JournalLog

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(file: JournalFile, log: JournalLog, executor: any SerialExecutor) {
        self.file = file
        self.log = log
        self.executor = executor
    }

    deinit { (executor as? ThreadExecutor)?.stop() }

    /// Runs `body` in one transaction that is on the disk when this returns.
    func transaction<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws -> Value {
        try write { db in try Self.commit(db, body) }
    }

    /// Runs `body` on the writing connection without a transaction around it.
    func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws -> Value {
        do {
            try file.checkSound()
            let value = try file.pool().writeWithoutTransaction { db in
                defer { log.noteWritten(by: db) }
                return try body(db)
            }
            file.noteLog()
            return value
        } catch {
            file.note(error)
            if SQLiteTrouble.isGeneral(error), error is DatabaseError { file.suspect() }
            throw SQLiteTrouble.failure(error, path: file.path)
        }
    }

    /// Brings the log into the file and empties it, unless a reader of this moment needs it.
    func emptyLog() throws {
        try write { db in
            try file.noteLogUnknown()
            _ = try db.rows("PRAGMA wal_checkpoint(TRUNCATE)") { $0.int(0) }
        }
    }

    func close() throws {
        do { try file.close() } catch { throw SQLiteTrouble.failure(error, path: file.path) }
    }

    static func commit<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        try db.beginTransaction(.immediate)
        do {
            let value = try body(db)
            try db.commit()
            return value
        } catch {
            // The first error is the one to tell; a connection that cannot roll back is replaced before its next use.
            if db.isInsideTransaction { try? db.rollback() }
            throw error
        }
    }
}

/// Readings go through connections and a thread of their own, so that they never delay an acknowledgement.
actor JournalReader {
    private let executor: any SerialExecutor
    private let file: JournalFile

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(file: JournalFile, executor: any SerialExecutor) {
        self.file = file
        self.executor = executor
    }

    deinit { (executor as? ThreadExecutor)?.stop() }

    /// Runs `body` on one consistent moment of the journal.
    func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws -> Value {
        try guarded {
            do {
                return try file.pool().read(body)
            } catch {
                file.note(error)
                throw error
            }
        }
    }

    /// Work on the file beside the journal's own connections (a copy of it).
    func guarded<Value: Sendable>(_ body: @Sendable () throws -> Value) throws -> Value {
        do { return try body() } catch { throw SQLiteTrouble.failure(error, path: file.path) }
    }
}
