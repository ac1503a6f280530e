internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// How far a write-ahead log goes: what SQLite takes up out of it after a crash.
struct LogExtent: Sendable, Hashable {
    /// The log's two salts: another pair each time that it is begun anew.
    var salts: UInt64
    /// Frames up to the last commit.
    var frames: Int64

    /// Whether this log was begun after that one, when all of that one had been written back.
    ///
    /// SQLite counts the first salt up by one each time and draws the second.
    func isLater(than other: LogExtent) -> Bool {
        let step = UInt32(truncatingIfNeeded: salts >> 32) &- UInt32(truncatingIfNeeded: other.salts >> 32)
        return (1...Self.beginningsMax).contains(step)
    }

    /// No journal begins its log anew more often between two owners; a log of another's is this near by chance once in
    /// four thousand.
    private static let beginningsMax: UInt32 = 1 << 20
}

/// Reads a log as SQLite does: frame by frame, for as long as the sums that run through them are right.
///
/// https://www.sqlite.org/fileformat2.html#walformat
struct LogReading {
    private static let headerSize = 32
    private static let frameHeaderSize = 24

    private var sums: (UInt32, UInt32) = (0, 0)
    private let isBigEndian: Bool
    private let frameSize: Int
    private let salts: UInt64

    /// What stands in the log at `path`; nil where there is none, it is empty, or its beginning is none of a log.
    static func extent(ofLog path: String) throws -> LogExtent? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw unreadable(path)
        }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: headerSize)
        guard try read(&header, at: 0, of: descriptor, path) == headerSize, var reading = LogReading(header) else {
            return nil
        }
        return try reading.extent(of: descriptor, path)
    }

    private init?(_ header: [UInt8]) {
        let magic = Self.word(header, 0)
        let pageSize = Int(Self.word(header, 8))
        guard magic & ~1 == 0x377F_0682, pageSize >= 512, pageSize <= 65536, pageSize.nonzeroBitCount == 1 else {
            return nil
        }
        isBigEndian = magic & 1 == 1
        frameSize = Self.frameHeaderSize + pageSize
        salts = UInt64(Self.word(header, 16)) << 32 | UInt64(Self.word(header, 20))
        header.withUnsafeBytes { add(UnsafeRawBufferPointer(rebasing: $0[0..<24])) }
        guard sums == (Self.word(header, 24), Self.word(header, 28)) else { return nil }
    }

    private mutating func extent(of descriptor: CInt, _ path: String) throws -> LogExtent {
        var found = LogExtent(salts: salts, frames: 0)
        var frames: Int64 = 0
        var buffer = [UInt8](repeating: 0, count: frameSize * 64)
        var offset = Self.headerSize
        while true {
            let count = try Self.read(&buffer, at: offset, of: descriptor, path) / frameSize
            for index in 0..<count {
                let isCommit = buffer.withUnsafeBytes {
                    take(UnsafeRawBufferPointer(rebasing: $0[index * frameSize..<(index + 1) * frameSize]))
                }
                guard let isCommit else { return found }
                frames += 1
                if isCommit { found.frames = frames }
            }
            if count < 64 { return found }
            offset += count * frameSize
        }
    }

    /// Whether the frame ends a commit; nil where it does not follow on the one before.
    private mutating func take(_ frame: UnsafeRawBufferPointer) -> Bool? {
        guard UInt64(Self.word(frame, 8)) << 32 | UInt64(Self.word(frame, 12)) == salts, Self.word(frame, 0) != 0 else {
            return nil
        }
        add(UnsafeRawBufferPointer(rebasing: frame[0..<8]))
        add(UnsafeRawBufferPointer(rebasing: frame[Self.frameHeaderSize...]))
        guard sums == (Self.word(frame, 16), Self.word(frame, 20)) else { return nil }
        return Self.word(frame, 4) != 0
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var (first, second) = sums
        for offset in stride(from: 0, to: bytes.count, by: 8) {
            var pair = (
                bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self),
                bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            )
            pair = isBigEndian ? (pair.0.bigEndian, pair.1.bigEndian) : (pair.0.littleEndian, pair.1.littleEndian)
            first = first &+ pair.0 &+ second
            second = second &+ pair.1 &+ first
        }
        sums = (first, second)
    }

    private static func word(_ bytes: some Collection<UInt8>, _ offset: Int) -> UInt32 {
        bytes.dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func read(
        _ buffer: inout [UInt8], at offset: Int, of descriptor: CInt, _ path: String
    ) throws -> Int {
        var done = 0
        while done < buffer.count {
            let count = buffer.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(offset + done))
            }
            guard count >= 0 else { throw unreadable(path) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    private static func unreadable(_ path: String) -> Failure {
        Failure(
            .unavailable,
            "The journal's log \(path) cannot be read: \(JournalLock.reason(errno)). Give this user the right to read "
                + "and write it, or check the disk.")
    }
}

/// Where the log stands while it is in use, read from the index that SQLite's connections share (`-shm`).
///
/// Kept open for as long as there are connections: closing any descriptor of that file takes away the locks that this
/// process holds on it.
final class LogIndex: Sendable {
    private let descriptor: CInt
    let identity: FileIdentity?

    /// Nil where there is no such file (a journal on a disk that is no file system).
    init?(journal path: String) {
        descriptor = open(path + "-shm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        identity = JournalLock.identity(of: path + "-shm")
    }

    deinit { close(descriptor) }

    /// The log up to the last commit; nil where it has none yet.
    func extent() -> LogExtent? {
        var bytes = [UInt8](repeating: 0, count: 40)
        guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count, bytes[12] == 1 else { return nil }
        let (frames, salts) = bytes.withUnsafeBytes {
            (
                $0.loadUnaligned(fromByteOffset: 16, as: UInt32.self),
                $0.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
            )
        }
        return frames == 0 ? nil : LogExtent(salts: salts.bigEndian, frames: Int64(frames))
    }
}
