internal import CLZ4
internal import Model

/// Bodies as they lie in the journal: one byte that says how, then the body, by LZ4 where that makes it smaller.
///
/// What strangers send is JSON, which shrinks to less than a half in a few microseconds. Each page that is not filled
/// with it is one less to write, to sync and to bring into the file.
enum PackedBody {
    private static let plain: UInt8 = 0
    /// Behind it stands the body's own length, four bytes, the lowest first.
    private static let lz4: UInt8 = 1
    private static let lz4HeadSize = 5

    static func pack(_ body: [UInt8]) -> [UInt8] {
        compressed(body) ?? [plain] + body
    }

    /// Throws `journal` where the bytes are none that `pack` made.
    static func unpack(_ stored: [UInt8]) throws -> [UInt8] {
        switch stored.first {
        case plain: return Array(stored.dropFirst())
        case lz4:
            guard let body = decompressed(stored) else { throw damage }
            return body
        default: throw damage
        }
    }

    /// Nil where it would not become smaller.
    private static func compressed(_ body: [UInt8]) -> [UInt8]? {
        guard body.count > lz4HeadSize, body.count <= Limits.eventsSizeMax else { return nil }
        let packed = [UInt8](unsafeUninitializedCapacity: body.count) { buffer, count in
            buffer[0] = lz4
            for index in 0..<4 { buffer[1 + index] = UInt8(truncatingIfNeeded: body.count >> (8 * index)) }
            let room = buffer.count - lz4HeadSize
            let written = body.withUnsafeBytes { source in
                LZ4_compress_default(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress.map { $0 + lz4HeadSize })?
                        .assumingMemoryBound(to: CChar.self),
                    CInt(body.count), CInt(room))
            }
            count = written > 0 ? lz4HeadSize + Int(written) : 0
        }
        return packed.isEmpty ? nil : packed
    }

    private static func decompressed(_ stored: [UInt8]) -> [UInt8]? {
        guard stored.count > lz4HeadSize else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(stored[1 + $1]) << (8 * $1) }
        guard length <= Limits.eventsSizeMax else { return nil }
        let body = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            let written = stored.withUnsafeBytes { source in
                LZ4_decompress_safe(
                    source.baseAddress.map { $0 + lz4HeadSize }?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    CInt(stored.count - lz4HeadSize), CInt(length))
            }
            count = max(0, Int(written))
        }
        return body.count == length ? body : nil
    }

    private static let damage = Failure(
        .journal,
        "The journal holds a body that cannot be read. Run `PRAGMA integrity_check` on a copy, or restore a backup.")
}
