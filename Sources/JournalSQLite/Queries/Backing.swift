internal import GRDB
internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Copies a journal while it is in use.
enum Backing {
    /// The copy appears under its name when it is whole, and bears a mark: an owner that opens it holds its jobs.
    static func copy(_ source: String, to path: String) throws {
        guard access(path, F_OK) != 0 else {
            throw Failure(.conflict, "There is a file at \(path) already. Choose another name for the backup.")
        }
        let partial = path + ".partial"
        unlink(partial)
        do {
            try write(source, to: partial)
            // Unlike a rename, a link never replaces a file that appeared meanwhile.
            guard link(partial, path) == 0 else {
                throw Failure(.unavailable, "The backup cannot be named \(path): \(JournalLock.reason(errno)).")
            }
            unlink(partial)
        } catch {
            unlink(partial)
            throw SQLiteTrouble.failure(error, path: path)
        }
    }

    private static func write(_ source: String, to partial: String) throws {
        let reading = try DatabaseQueue(path: source, configuration: JournalFile.configuration(.readOnly))
        try reading.writeWithoutTransaction { db in _ = try db.run("VACUUM INTO ?", partial) }
        try reading.close()
        let copy = try DatabaseQueue(path: partial, configuration: JournalFile.configuration(.own))
        try copy.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.run("PRAGMA user_version = \(LogCheck.backupVersion)")
        }
        // Closing writes what the log holds into the copy, which then stands alone.
        try copy.close()
        chmod(partial, 0o600)
    }
}
