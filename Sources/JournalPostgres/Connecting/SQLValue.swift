internal import Model

/// What a parameter of a statement may be.
///
/// Ids are `uuid`, times whole milliseconds in `bigint`, JSON its text. All go in the server's binary form, so that
/// nothing is ever quoted.
protocol SQLValue {
    /// The server's number for the type.
    static var type: UInt32 { get }
    static var arrayType: UInt32 { get }
    func encode(into bytes: inout [UInt8])
}

extension [UInt8] {
    mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

extension Int64: SQLValue {
    static var type: UInt32 { 20 }
    static var arrayType: UInt32 { 1016 }
    func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension Int: SQLValue {
    static var type: UInt32 { Int64.type }
    static var arrayType: UInt32 { Int64.arrayType }
    func encode(into bytes: inout [UInt8]) { Int64(self).encode(into: &bytes) }
}

extension Bool: SQLValue {
    static var type: UInt32 { 16 }
    static var arrayType: UInt32 { 1000 }
    func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
}

extension String: SQLValue {
    static var type: UInt32 { 25 }
    static var arrayType: UInt32 { 1009 }

    /// Without U+0000, which the server's text cannot hold.
    func encode(into bytes: inout [UInt8]) {
        if utf8.contains(0) { bytes += utf8.lazy.filter { $0 != 0 } } else { bytes += utf8 }
    }
}

extension [UInt8]: SQLValue {
    static var type: UInt32 { 17 }
    static var arrayType: UInt32 { 1001 }
    func encode(into bytes: inout [UInt8]) { bytes += self }
}

extension Instant: SQLValue {
    static var type: UInt32 { Int64.type }
    static var arrayType: UInt32 { Int64.arrayType }
    func encode(into bytes: inout [UInt8]) { milliseconds.encode(into: &bytes) }
}

extension Identifier: SQLValue {
    static var type: UInt32 { 2950 }
    static var arrayType: UInt32 { 2951 }
    func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: high)
        bytes.append(bigEndian: low)
    }
}

/// A column of values for `unnest`; nil is NULL.
struct SQLArray<Element: SQLValue>: SQLValue {
    var elements: [Element?]

    init(_ elements: [Element?]) { self.elements = elements }

    static var type: UInt32 { Element.arrayType }
    static var arrayType: UInt32 { Element.arrayType }

    /// Dimensions, whether there are nulls, the elements' type, length and lower bound, then each with its length.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(elements.contains { $0 == nil } ? 1 : 0))
        bytes.append(bigEndian: Element.type)
        guard !elements.isEmpty else { return }
        bytes.append(bigEndian: Int32(elements.count))
        bytes.append(bigEndian: Int32(1))
        for element in elements {
            guard let element else {
                bytes.append(bigEndian: Int32(-1))
                continue
            }
            let start = bytes.count
            bytes.append(bigEndian: Int32(0))
            element.encode(into: &bytes)
            withUnsafeBytes(of: Int32(bytes.count - start - 4).bigEndian) {
                bytes.replaceSubrange(start..<start + 4, with: $0)
            }
        }
    }
}
