internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What the last owner left on record of the journal's log, so that the next one knows it again.
enum LogNote: Sendable, Hashable {
    /// Nothing is known: a new journal, or one that was being opened or closed.
    case unknown
    /// The journal was closed in order: all is in the file, and there is no log.
    case closed
    /// What was acknowledged reaches up to here.
    case upTo(LogExtent)
}

/// Whether the log that lies beside a journal is the one that the last owner left.
///
/// SQLite takes what it finds: of a log that is gone, cut off or damaged it says nothing and goes on without what was
/// acknowledged, and one of another journal it writes over this one.
enum LogCheck {
    enum Verdict: Sendable, Hashable {
        case whole
        case missing
        /// It ends so many frames too early.
        case cut(Int64)
        case foreign
    }

    static func verdict(noted: LogNote, found: LogExtent?) -> Verdict {
        switch (noted, found) {
        case (.unknown, _): .whole
        case (.closed, let found): (found?.frames ?? 0) == 0 ? .whole : .foreign
        case (.upTo, nil): .missing
        case (.upTo(let noted), let found?) where found.salts == noted.salts:
            found.frames >= noted.frames ? .whole : .cut(noted.frames - found.frames)
        case (.upTo(let noted), let found?): found.isLater(than: noted) ? .whole : .foreign
        }
    }

    /// Refuses a journal whose log is not the one that belongs to it; changes nothing.
    static func check(_ path: String, noted: LogNote) throws {
        let log = path + "-wal"
        let found = try LogReading.extent(ofLog: log)
        if isUntouchedBackup(path) {
            guard (found?.frames ?? 0) > 0 else { return }
            throw Failure(
                .journal,
                "The journal \(path) is a backup that lies beside the log of the one that it replaces. Move \(log) and "
                    + "\(path)-shm aside and start again.")
        }
        switch verdict(noted: noted, found: found) {
        case .whole: return
        case .missing:
            throw Failure(.journal, "The journal's log \(log) is gone or unreadable. " + advice(path))
        case .cut(let frames):
            throw Failure(
                .journal, "The journal's log \(log) is cut off or damaged: \(frames) pages are missing. " + advice(path)
            )
        case .foreign:
            throw Failure(
                .journal,
                "The log \(log) does not belong to the journal beside it. Move it and \(path)-shm aside, put the right "
                    + "one there if the last server was not stopped in order, and start again.")
        }
    }

    private static func advice(_ path: String) -> String {
        "What the last server acknowledged before it ended stands in it. Put it back as it was and start again. If it "
            + "is lost for good, or another program has brought it into the journal, see that no server runs, remove "
            + "\(path).lock and start again: then it goes on with what there is."
    }

    /// The mark that a copy bears in its header (`user_version`) until an owner opens it.
    static let backupVersion = 1

    private static func isUntouchedBackup(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var version = [UInt8](repeating: 0, count: 4)
        guard pread(descriptor, &version, 4, 60) == 4 else { return false }
        return version == [0, 0, 0, UInt8(backupVersion)]
    }
}
