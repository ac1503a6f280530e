internal import Crypto

/// What a table's rows add up to, in whatever order they are read: each row's SHA-256, summed in four parts of 64 bits.
///
/// It finds what was lost, doubled, cut or changed on the way. It is no proof against somebody who wants two tables to
/// look alike.
package struct MoveDigest: Sendable, Hashable, CustomStringConvertible {
    package private(set) var rows = 0
    private var parts: [UInt64] = [0, 0, 0, 0]

    package init() {}

    package mutating func add(_ row: [MovedValue]) {
        let hash = SHA256.hash(data: Self.bytes(of: row))
        var index = 0
        var part: UInt64 = 0
        for byte in hash {
            part = part << 8 | UInt64(byte)
            index += 1
            if index % 8 == 0 { parts[index / 8 - 1] &+= part }
        }
        rows += 1
    }

    /// Each value with its kind and length in front; text without U+0000, which not every store can hold.
    private static func bytes(of row: [MovedValue]) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ kind: UInt8, _ number: Int64) {
            bytes.append(kind)
            withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        }
        for value in row {
            switch value {
            case .null: append(0, 0)
            case .int(let number): append(1, number)
            case .text(let text):
                let utf8 = text.utf8.filter { $0 != 0 }
                append(2, Int64(utf8.count))
                bytes += utf8
            case .bytes(let own):
                append(3, Int64(own.count))
                bytes += own
            }
        }
        return bytes
    }

    package var description: String {
        parts.map { part in
            let digits = String(part, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
