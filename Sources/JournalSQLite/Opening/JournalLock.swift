internal import Model
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What tells a file from another that took its name.
struct FileIdentity: Sendable, Hashable {
    var device: UInt64
    var number: UInt64
}

/// Keeps a journal to one owner: `flock` on `<journal>.lock`, held for as long as this value lives.
///
/// The system lets go of it when the process ends, however it ends. The file stays: its first line names the owner's
/// process, its second the event that is being planned, the third and fourth how far the log goes.
final class JournalLock: Sendable {
    private static let lineLength = 21
    private let descriptor: CInt
    /// The event (its `seq`) in whose planning the last owner ended; nil: it ended elsewhere.
    let leftOnDesk: Int64?
    /// How far the log went when the last owner ended.
    let leftLog: LogNote
    /// What of the log stands in the file now.
    private let recorded: Mutex<LogNote>

    init(journal path: String) throws {
        // Beside the file itself: under another name (a link to it) it is the same journal.
        let lock = Self.resolved(path) + ".lock"
        descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(
                .journal,
                "The journal's lock file \(lock) cannot be opened: \(Self.reason(errno)). "
                    + "Give this user write access to its folder.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.number(inLine: 0, of: descriptor).map { "process \($0)" } ?? "another process"
            close(descriptor)
            throw Failure(
                .journalLocked,
                "The journal \(path) is in use by \(holder). Stop it first, or let the running "
                    + "server do what you want to do.")
        }
        leftOnDesk = Self.number(inLine: 1, of: descriptor).flatMap { $0 > 0 ? Int64(clamping: $0) : nil }
        leftLog = Self.logNote(of: descriptor)
        recorded = Mutex(leftLog)
        Self.write([UInt64(getpid())], inLine: 0, of: descriptor)
    }

    deinit {
        // A process that was begun in this moment holds the file too until it is on its way: closing alone would leave
        // the lock with it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Notes which event is being planned, so that the next owner knows it if that ends the process.
    ///
    /// Written and not synced: it outlives the process, which is all that a crash of the process takes.
    func note(onDesk seq: Int64?) { Self.write([UInt64(clamping: seq ?? 0)], inLine: 1, of: descriptor) }

    /// Notes how far the log goes, before anything in it is acknowledged.
    ///
    /// Not synced: the log was, so that what a power loss leaves of the note says less than what it leaves of the log.
    func note(log: LogExtent) {
        recorded.withLock { recorded in
            guard recorded != .upTo(log) else { return }
            Self.write([log.salts, UInt64(clamping: log.frames) + 1], inLine: 2, of: descriptor)
            recorded = .upTo(log)
        }
    }

    /// Notes that nothing is known of the log, or that there is none; on the disk before the log changes.
    func noteOnDisk(_ log: LogNote) throws {
        try recorded.withLock { recorded in
            guard recorded != log else { return }
            Self.write([0, log == .closed ? 1 : 0], inLine: 2, of: descriptor)
            guard fsync(descriptor) == 0 else {
                throw Failure(
                    .unavailable, "The journal's lock file cannot be written: \(Self.reason(errno)). Check the disk.")
            }
            recorded = log
        }
    }

    private static func logNote(of descriptor: CInt) -> LogNote {
        guard let salts = number(inLine: 2, of: descriptor), let frames = number(inLine: 3, of: descriptor), frames > 0
        else { return .unknown }
        return frames == 1 ? .closed : .upTo(LogExtent(salts: salts, frames: Int64(clamping: frames - 1)))
    }

    // Lines of one length, so that each is replaced in one write and takes no new space on a full disk. What cannot be
    // written is let be: the lock holds without the process's number, and planning goes on without the note.
    private static func write(_ numbers: [UInt64], inLine line: Int, of descriptor: CInt) {
        var text: [UInt8] = []
        for number in numbers {
            let digits = Array(String(number).utf8)
            text += [UInt8](repeating: UInt8(ascii: "0"), count: max(0, lineLength - 1 - digits.count)) + digits + [10]
        }
        _ = pwrite(descriptor, text, text.count, off_t(line * lineLength))
    }

    private static func number(inLine line: Int, of descriptor: CInt) -> UInt64? {
        var bytes = [UInt8](repeating: 0, count: lineLength)
        guard pread(descriptor, &bytes, bytes.count, off_t(line * lineLength)) == lineLength else { return nil }
        return UInt64(String(decoding: bytes.dropLast(), as: UTF8.self))
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Which file stands at the path; nil where none does.
    static func identity(of path: String) -> FileIdentity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }

    /// Makes the journal's file where there is none, readable for its owner alone; SQLite gives what it puts beside it the
    /// same mode.
    static func makePrivate(_ path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        // Where that cannot be, opening it as a journal says why.
        if descriptor >= 0 { close(descriptor) }
    }

    /// Refuses files that this user may not write, before SQLite fails at one of them in words of its own.
    static func checkAccess(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw Failure(
                    .journal, "The journal \(path) is a folder. Name the file in it, as sqlite:\(path)/throughline.db.")
            }
            // Under each name it would have a lock and a log of its own: two owners, and what one acknowledges is lost.
            guard status.st_nlink < 2 else {
                throw Failure(
                    .journal,
                    "The journal's file \(path) has \(status.st_nlink) names (hard links), and only one may be used. "
                        + "Remove the others; to keep a copy, use `throughline backup`.")
            }
        }
        for file in [path, path + "-wal", path + "-shm"] where access(file, F_OK) == 0 && access(file, W_OK) != 0 {
            throw Failure(
                .journal,
                "The journal's file \(file) cannot be written: \(reason(errno)). Give this user write access to it and "
                    + "to its folder.")
        }
    }

    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
