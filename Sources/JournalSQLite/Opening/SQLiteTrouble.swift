internal import GRDB
internal import Model

/// SQLite's result codes in words that say what to do.
enum SQLiteTrouble {
    /// Whether the journal as a whole cannot be written (or read), rather than one row being wrong.
    static func isGeneral(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return error is Failure }
        return switch error.resultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: false
        default: true
        }
    }

    static func failure(_ error: any Error, path: String) -> Failure {
        if let failure = error as? Failure { return failure }
        guard let error = error as? DatabaseError else {
            return Failure(.journal, "The journal \(path) failed.", detail: String(describing: type(of: error)))
        }
        // The message of SQLite names tables and columns, never values.
        return Failure(code(error), message(error, path), detail: "\(error.extendedResultCode): \(error.message ?? "")")
    }

    private static func code(_ error: DatabaseError) -> Failure.Code {
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM: .unavailable
        default: .journal
        }
    }

    private static func message(_ error: DatabaseError, _ path: String) -> String {
        switch error.resultCode {
        case .SQLITE_FULL:
            "The disk that holds the journal \(path) is full. Make free space on it; nothing that was "
                + "acknowledged is lost."
        case .SQLITE_IOERR:
            "The disk that holds the journal \(path) failed to read or write. Check it; the journal is "
                + "opened again at the next call."
        case .SQLITE_NOTADB: "The file \(path) is no journal (not an SQLite database). Point `journal` at another file."
        case .SQLITE_CORRUPT:
            "The journal \(path) is damaged. Stop the server and restore a backup "
                + "(docs/operate.md, Backup and restore)."
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            "The journal \(path) cannot be written. Give this user write "
                + "access to the file and its folder."
        case .SQLITE_CANTOPEN:
            "The journal \(path) cannot be opened. Check that its folder exists and that this user "
                + "may write to it."
        case .SQLITE_BUSY, .SQLITE_LOCKED: "Another program holds the journal \(path) locked. Close it and try again."
        case .SQLITE_NOMEM: "There is no memory left to use the journal \(path)."
        default:
            "The journal \(path) refused a statement (\(error.resultCode.rawValue)). This is a fault of the "
                + "program; please report it with the detail from the log."
        }
    }
}
