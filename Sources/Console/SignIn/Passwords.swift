internal import Crypto
internal import CryptoExtras
package import Seams

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Runs work that takes long on a thread of its own, so that requests go on meanwhile.
package protocol BlockingWork: Sendable {
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value
}

/// Hashes and checks passwords with scrypt (RFC 7914), N = 2^15, r = 8, p = 1: 32 MiB and about a tenth of a second.
package struct Passwords: Sendable {
    private let chance: any ChanceSource
    private let blocking: any BlockingWork
    private let cost: Int

    /// `costExponent`: N is two to the power of it; lower only in tests.
    package init(chance: any ChanceSource, blocking: any BlockingWork, costExponent: Int = 15) {
        self.chance = chance
        self.blocking = blocking
        cost = costExponent
    }

    /// `scrypt$15$8$1$<salt>$<hash>`, both in hexadecimal.
    package func hash(_ password: String) async throws -> String {
        let salt = chance.bytes(16)
        let cost = cost
        let key = try await blocking.run { try Self.derive(password, salt: salt, cost: cost) }
        return "scrypt$\(cost)$8$1$\(Self.hex(salt))$\(Self.hex(key))"
    }

    /// Whether the password fits.
    ///
    /// A hash of nil (no such user) takes as long as a real one and never fits.
    package func check(_ password: String, against hash: String?) async throws -> Bool {
        let parts = hash?.split(separator: "$").map(String.init) ?? []
        let isKnown = parts.count == 6 && parts[0] == "scrypt" && parts[2] == "8" && parts[3] == "1"
        let salt = isKnown ? Self.bytes(parts[4]) : [UInt8](repeating: 0, count: 16)
        let expected = isKnown ? Self.bytes(parts[5]) : []
        let cost = isKnown ? min(20, max(1, Int(parts[1]) ?? self.cost)) : self.cost
        let key = try await blocking.run { try Self.derive(password, salt: salt, cost: cost) }
        return isKnown && expected.count == key.count && zip(expected, key).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func derive(_ password: String, salt: [UInt8], cost: Int) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: 1 << cost, blockSize: 8, parallelism: 1
        )
        return key.withUnsafeBytes { Array($0) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
