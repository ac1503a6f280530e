internal import Model

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
/// process, its second the event that is being planned.
final class JournalLock: Sendable {
    private static let lineLength = 21
    private let descriptor: CInt
    /// The event (its `seq`) in whose planning the last owner ended; nil: it ended elsewhere.
    let leftOnDesk: Int64?

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
        leftOnDesk = Self.number(inLine: 1, of: descriptor).flatMap { $0 > 0 ? $0 : nil }
        Self.write(Int64(getpid()), inLine: 0, of: descriptor)
    }

    deinit { close(descriptor) }

    /// Notes which event is being planned, so that the next owner knows it if that ends the process.
    ///
    /// Written and not synced: it outlives the process, which is all that a crash of the process takes.
    func note(onDesk seq: Int64?) { Self.write(seq ?? 0, inLine: 1, of: descriptor) }

    // Lines of one length, so that each is replaced in one write and takes no new space on a full disk. What cannot be
    // written is let be: the lock holds without the process's number, and planning goes on without the note.
    private static func write(_ number: Int64, inLine line: Int, of descriptor: CInt) {
        let digits = Array(String(number).utf8)
        let text = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, lineLength - 1 - digits.count)) + digits + [10]
        _ = pwrite(descriptor, text, text.count, off_t(line * lineLength))
    }

    private static func number(inLine line: Int, of descriptor: CInt) -> Int64? {
        var bytes = [UInt8](repeating: 0, count: lineLength)
        guard pread(descriptor, &bytes, bytes.count, off_t(line * lineLength)) == lineLength else { return nil }
        return Int64(String(decoding: bytes.dropLast(), as: UTF8.self))
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

    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
