internal import GRDB
internal import GRDBSQLite
internal import Journal
internal import Model
package import Seams
internal import Synchronization

/// How long the write-ahead log has become since it was last brought into the file.
final class JournalLog: Sendable {
    /// Pages (of 4 KiB) after which it is brought in.
    let lengthMax: Int

    private struct State {
        /// What the writing connection has written so far; it begins anew with each connection.
        var written = 0
        var writtenWhenBroughtIn = 0
    }

    private let state = Mutex(State())
    let becameLong = Signal()

    init(lengthMax: Int) { self.lengthMax = lengthMax }

    /// Looks at what the writing connection has written.
    func noteWritten(by db: Database) {
        var (written, peak): (CInt, CInt) = (0, 0)
        sqlite3_db_status(db.sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &written, &peak, 0)
        let isLong = state.withLock { state in
            if Int(written) < state.written { state.writtenWhenBroughtIn = 0 }
            state.written = Int(written)
            return state.written - state.writtenWhenBroughtIn >= lengthMax
        }
        if isLong { becameLong.raise() }
    }

    func broughtIn() { state.withLock { $0.writtenWhenBroughtIn = $0.written } }

    var isLong: Bool { state.withLock { $0.written - $0.writtenWhenBroughtIn >= lengthMax } }
}

/// Brings the log into the file on a connection and a thread of its own, while the writer goes on.
actor LogTender {
    private let executor: any SerialExecutor
    private let file: JournalFile

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(file: JournalFile, executor: any SerialExecutor) {
        self.file = file
        self.executor = executor
    }

    deinit { (executor as? ThreadExecutor)?.stop() }

    /// Waits for nobody: what a reader still needs, and what the writer adds meanwhile, stays in the log.
    func bringIn() throws {
        do {
            try file.tender().inDatabase(Self.bringIn)
        } catch {
            file.note(error)
            // A sync may have failed, as in a commit: what is in memory is not taken for written.
            if (error as? DatabaseError)?.resultCode == .SQLITE_IOERR { file.suspect() }
            throw SQLiteTrouble.failure(error, path: file.path)
        }
    }

    static func bringIn(_ db: Database) throws {
        _ = try db.first("PRAGMA wal_checkpoint(PASSIVE)") { $0.flag(0) }
    }
}

extension SQLiteJournal {
    /// How long the journal is left alone after its log could not be brought in.
    private static let pauseAfterTrouble: Duration = .seconds(1)

    /// Keeps the log short for as long as the server runs; returns when the task is cancelled.
    ///
    /// A commit that had to bring the log in would make all acknowledgements behind it wait. Here the bulk is brought in
    /// beside the writer; what came meanwhile is little, and the writer does that, so that the log begins anew. Trouble is
    /// tried again: until then the log grows, and the next commit or opening tells of a disk that fails.
    package func tendLog(on time: any TimeSource) async {
        while !Task.isCancelled {
            await log.becameLong.wait(upTo: .seconds(60), on: time)
            guard log.isLong, !Task.isCancelled else { continue }
            do {
                try await tender.bringIn()
                try await writer.write(LogTender.bringIn)
                log.broughtIn()
            } catch {
                // A cancelled wait ends the loop.
                try? await time.sleep(for: Self.pauseAfterTrouble)
            }
        }
    }
}
