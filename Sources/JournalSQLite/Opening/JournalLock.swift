internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Keeps a journal to one owner: `flock` on `<journal>.lock`, held for as long as this value lives.
///
/// The system lets go of it when the process ends, however it ends. The file stays and names the owner's process.
final class JournalLock: Sendable {
    private let descriptor: CInt

    init(journal path: String) throws {
        let lock = path + ".lock"
        descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(
                .journal,
                "The journal's lock file \(lock) cannot be opened: \(Self.reason(errno)). "
                    + "Give this user write access to its folder.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(of: descriptor).map { "process \($0)" } ?? "another process"
            close(descriptor)
            throw Failure(
                .journalLocked,
                "The journal \(path) is in use by \(holder). Stop it first, or let the running "
                    + "server do what you want to do.")
        }
        ftruncate(descriptor, 0)
        let mark = Array("\(getpid())\n".utf8)
        // The mark only serves the message above; the lock holds without it.
        _ = pwrite(descriptor, mark, mark.count, 0)
    }

    deinit { close(descriptor) }

    private static func holder(of descriptor: CInt) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Int(String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 10 }, as: UTF8.self))
    }

    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
