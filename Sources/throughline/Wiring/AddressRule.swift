import Foundation

/// The bytes of an IP address: 4 or 16.
struct IPAddress: Sendable, Hashable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The address of a socket; nil for a family that has none.
    init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            bytes = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
            }
        default: return nil
        }
    }

    /// The address that a text writes in any form that the system takes (`2852039166` is 169.254.169.254); nil: a name.
    init?(_ text: String) {
        guard let first = Self.resolve(text, flags: AI_NUMERICHOST)?.first else { return nil }
        self = first
    }

    /// What the system's resolver answers, after blocking for it; nil where the name does not resolve.
    static func resolve(_ name: String, flags: Int32 = 0) -> [IPAddress]? {
        var hints = addrinfo()
        hints.ai_flags = flags
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &found) == 0 else { return nil }
        defer { freeaddrinfo(found) }
        var addresses: [IPAddress] = []
        var next = found
        while let entry = next {
            if let address = entry.pointee.ai_addr.flatMap({ IPAddress(UnsafePointer($0)) }) {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    /// The IPv4 address within: mapped and compatible ones, and those of the translations NAT64 and 6to4.
    var inner: IPAddress {
        guard bytes.count == 16 else { return self }
        let head = Array(bytes[..<12])
        if head == Array(repeating: 0, count: 10) + [0xFF, 0xFF]
            || head == [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8)
        {
            return IPAddress(Array(bytes[12...]))
        }
        if head == [UInt8](repeating: 0, count: 12), bytes[12] != 0 { return IPAddress(Array(bytes[12...])) }
        if bytes.starts(with: [0x20, 0x02]) { return IPAddress(Array(bytes[2..<6])) }
        return self
    }
}

/// Addresses that are never called, whoever wrote them, and those that a stranger may not name.
enum AddressRule {
    /// Link-local addresses (RFC 3927, RFC 4291 section 2.5.6) and the metadata services of clouds that lie elsewhere:
    /// no destination of a user lives there, and what lives there hands out credentials.
    static func isForbidden(_ address: IPAddress) -> Bool {
        let bytes = address.inner.bytes
        if bytes.count == 4 { return bytes.starts(with: [169, 254]) || metadata.contains(bytes) }
        return (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) || metadata.contains(bytes)
    }

    private static let metadata: Set<[UInt8]> = [
        [100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192],
        [0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    ]

    /// Whether the whole internet means the same by it.
    static func isPublic(_ address: IPAddress) -> Bool {
        let bytes = address.inner.bytes
        guard !isForbidden(address) else { return false }
        guard bytes.count == 4 else { return bytes[0] & 0xE0 == 0x20 }
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (192, 168), (172, 16...31), (100, 64...127), (198, 18...19), (192, 0),
            (224...255, _):
            return false
        default: return true
        }
    }

    /// The host of a URL, without brackets, zone and a last dot; nil where there is none.
    static func host(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { !"/?#\\".contains($0) }
        var host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        if host.hasPrefix("[") {
            host = host.dropFirst().prefix { $0 != "]" }
        } else {
            host = host.prefix { $0 != ":" }
        }
        host = host.prefix { $0 != "%" }
        if host.hasSuffix(".") { host = host.dropLast() }
        return host.isEmpty ? nil : host.lowercased()
    }
}
