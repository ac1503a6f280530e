import API
import Foundation
import Model

/// How many files and connections this process may have open.
enum OpenFiles {
    /// Kept for the journal, the log and calls to destinations.
    private static let reserved = 256
    /// With fewer a server could not keep its journal open beside its connections.
    private static let neededByServer = 256
    /// With fewer no command could make its threads and connections.
    private static let neededByCommand = 64

    /// Raises the soft limit as far as the system allows and connections could need.
    ///
    /// Many systems start services with 1,024, and a server that cannot open its journal's files for want of one is
    /// worse off than one that closes a connection.
    ///
    /// Throws where that is not enough to run on.
    static func raiseLimit() throws {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        try check(limit.rlim_max, neededByServer)
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(ConnectionLimits().countMax + reserved)))
        // Refused, the old limit stays, and connections keep within that.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Throws where a command of ours could not run.
    static func check() throws {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        try check(limit.rlim_cur, neededByCommand)
    }

    private static func check(_ limit: rlim_t, _ needed: Int) throws {
        guard limit >= rlim_t(needed) else {
            throw Failure(
                .unavailable,
                "This system lets the process open \(limit) files, and it needs \(needed) at least. Raise the limit "
                    + "(LimitNOFILE= of the service, ulimit -n).")
        }
    }

    /// The usual limits, with no more connections than files may be opened.
    static var connectionLimits: ConnectionLimits {
        var limits = ConnectionLimits()
        var files = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0 else { return limits }
        let open = Int(clamping: files.rlim_cur)
        limits.countMax = min(limits.countMax, open - min(reserved, open / 2))
        return limits
    }
}
