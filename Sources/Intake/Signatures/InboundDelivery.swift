/// One inbound HTTP request, as it came over the wire.
package struct InboundDelivery: Sendable {
    package var headers: HeaderList
    /// The exact bytes: verified before anything reads them.
    package var body: [UInt8]

    package init(headers: HeaderList, body: [UInt8]) {
        self.headers = headers
        self.body = body
    }
}

/// Header lines in their order; names compare without case.
package struct HeaderList: Sendable {
    package private(set) var lines: [(name: String, value: String)]

    package init(_ lines: [(name: String, value: String)]) { self.lines = lines }

    /// The value of a header that must stand once; nil where it is missing.
    ///
    /// Throws where two lines bear the name: which of them a proxy or sender meant is not ours to guess.
    func single(_ name: String) throws(SignatureRefusal) -> String? {
        var found: String?
        for line in lines where Self.isSame(line.name, name) {
            guard found == nil else { throw .repeated(header: name) }
            found = line.value
        }
        return found
    }

    func first(_ name: String) -> String? {
        lines.first { Self.isSame($0.name, name) }?.value
    }

    private static func isSame(_ lhs: String, _ rhs: String) -> Bool {
        lhs.utf8.count == rhs.utf8.count
            && zip(lhs.utf8, rhs.utf8).allSatisfy { $0 == $1 || lowercased($0) == lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
