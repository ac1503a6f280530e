internal import Model

/// What the server or the way to it answered instead of a result.
struct PostgresError: Error {
    /// SQLSTATE; empty where the connection failed before the server could say anything.
    var state: String
    /// The server's message without its detail, which would quote values.
    var message: String
    /// Whether the connection is gone with it.
    var isConnectionLost = false

    /// `40` of `40P01`.
    var stateClass: String { String(state.prefix(2)) }
}

/// SQLSTATE in words that say what to do.
enum PostgresTrouble {
    // What libpq finds wrong with the way to the server has no SQLSTATE.
    static let untrusted = "TLS01"
    static let noTLS = "TLS02"

    /// Whether doing the same once more may go well: two transactions were in each other's way.
    static func isCollision(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return ["40001", "40P01", "55P03", "23505"].contains(error.state)
    }

    /// Whether the journal as a whole cannot be written (or read), rather than one row being wrong.
    static func isGeneral(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return error is Failure }
        if error.isConnectionLost { return true }
        // The same row twice, data exceptions, integrity, program limits.
        return !["21", "22", "23", "54"].contains(error.stateClass)
    }

    static func failure(_ error: any Error, _ name: String) -> Failure {
        if let failure = error as? Failure { return failure }
        guard let error = error as? PostgresError else {
            return Failure(.journal, "The journal \(name) failed.", detail: String(describing: type(of: error)))
        }
        return Failure(code(error), message(error, name), detail: "\(error.state): \(error.message)")
    }

    private static func code(_ error: PostgresError) -> Failure.Code {
        if error.isConnectionLost { return .unavailable }
        return switch error.stateClass {
        case "", "08", "25", "28", "40", "53", "55", "57", "58", "3D": .unavailable
        default: .journal
        }
    }

    private static func message(_ error: PostgresError, _ name: String) -> String {
        switch error.state {
        case "28P01", "28000": "The database \(name) refuses the user or the password. Check the journal's URL."
        case untrusted:
            "The certificate of the database \(name) was refused: no authority that `sslrootcert` names has signed it, or "
                + "it is for another host. Check both in the journal's URL."
        case noTLS:
            "The database \(name) does not speak TLS as the journal's URL asks (`sslmode`). Switch it on there, or check "
                + "the port."
        case "3D000": "There is no database \(name) on its server. Create it, or check the journal's URL."
        case "42P01", "3F000": "The database \(name) holds no journal of this version. Run `throughline migrate`."
        case "42501":
            "This user may not use the journal in \(name). Connect as the user that ran `throughline migrate`, or "
                + "grant it the schema throughline."
        case "53100":
            "The disk of the database \(name) is full. Make free space; nothing that was acknowledged is lost."
        case "53300":
            "The database \(name) has no connection left. Raise max_connections, run fewer nodes, or put a pooler "
                + "in front."
        case "25006":
            "The database \(name) takes no writes (a standby?). Point the journal's URL at the primary."
        case "40001", "40P01", "55P03": "The journal \(name) is busy with something else. Try again in a moment."
        case let state where state.hasPrefix("57P"): "The database \(name) is starting or stopping. It is tried again."
        case "57014": "A statement took too long in the database \(name). Look for locks and long transactions in it."
        default:
            if error.isConnectionLost || error.state.isEmpty || error.stateClass == "08" {
                "The database \(name) cannot be reached. Check that it runs and that this machine may connect to it."
            } else {
                "The database \(name) refused a statement (\(error.state)). If it goes on, please report it with the "
                    + "detail from the log."
            }
        }
    }
}
