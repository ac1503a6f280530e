internal import CSimdJSON

/// Why bytes are not usable JSON.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable { case invalid, tooDeep = "too_deep", outOfMemory = "out_of_memory" }

    package var code: Code
    package var description: String
}

extension JSONValue {
    /// Reads one JSON document of UTF-8 bytes, nested at most `depthMax` levels.
    ///
    /// Strict: no trailing text, no comments, no numbers outside 64 bits, no broken UTF-8.
    package init(parsing bytes: [UInt8], depthMax: Int = Limits.jsonDepthMax) throws(JSONError) {
        var parsed: Result<JSONValue, JSONError> = .failure(JSONError(code: .invalid, description: "it is empty"))
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
            var tape = tl_json_tape()
            switch tl_json_parse(base, buffer.count, depthMax, &tape) {
            case TL_JSON_OK:
                guard let words = tape.tape, let strings = tape.strings else { return }
                var walk = TapeWalk(words: words, strings: strings, position: 1)
                parsed = .success(walk.next())
            case TL_JSON_TOO_DEEP: parsed = .failure(.tooDeep(depthMax))
            case TL_JSON_OUT_OF_MEMORY:
                parsed = .failure(JSONError(code: .outOfMemory, description: "there is no memory to read it"))
            // The reader sees a missing end before the depth; whoever sent it is told of the depth.
            case _ where isDeeper(buffer, than: depthMax): parsed = .failure(.tooDeep(depthMax))
            default:
                let reason = tape.message.map { String(cString: $0) } ?? "it is not valid JSON"
                parsed = .failure(JSONError(code: .invalid, description: reason))
            }
        }
        self = try parsed.get()
    }

    package init(parsing text: String, depthMax: Int = Limits.jsonDepthMax) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), depthMax: depthMax)
    }
}

extension JSONError {
    fileprivate static func tooDeep(_ depthMax: Int) -> Self {
        JSONError(code: .tooDeep, description: "it is nested deeper than \(depthMax) levels")
    }
}

/// Whether more brackets are open at once than allowed, outside of text.
private func isDeeper(_ bytes: UnsafeBufferPointer<UInt8>, than depthMax: Int) -> Bool {
    var (depth, isText, isEscaped) = (0, false, false)
    for byte in bytes {
        if isText {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isText = false
            }
            continue
        }
        switch byte {
        case UInt8(ascii: "\""): isText = true
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: continue
        }
        if depth > depthMax { return true }
    }
    return false
}

/// Turns simdjson's tape into a value.
///
/// The tape is trusted: simdjson wrote it a moment ago on this thread.
private struct TapeWalk {
    let words: UnsafePointer<UInt64>
    let strings: UnsafePointer<UInt8>
    var position: Int
    /// Of the names of the objects that are open, the innermost last.
    private var digests: [UInt32] = []

    init(words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, position: Int) {
        (self.words, self.strings, self.position) = (words, strings, position)
    }

    private static let payloadMask: UInt64 = 0x00FF_FFFF_FFFF_FFFF

    mutating func next() -> JSONValue {
        let word = words[position]
        let payload = word & Self.payloadMask
        position += 1
        switch UInt8(word >> 56) {
        case UInt8(ascii: "\""): return .string(string(at: Int(payload)))
        case UInt8(ascii: "l"):
            defer { position += 1 }
            return .int(Int64(bitPattern: words[position]))
        case UInt8(ascii: "u"):
            defer { position += 1 }
            return .double(Double(words[position]))
        case UInt8(ascii: "d"):
            defer { position += 1 }
            return .double(Double(bitPattern: words[position]))
        case UInt8(ascii: "t"): return .bool(true)
        case UInt8(ascii: "f"): return .bool(false)
        case UInt8(ascii: "["): return array(end: Int(payload & 0xFFFF_FFFF))
        case UInt8(ascii: "{"): return object(end: Int(payload & 0xFFFF_FFFF))
        default: return .null
        }
    }

    private func bytes(at offset: Int) -> UnsafeBufferPointer<UInt8> {
        let length = UnsafeRawPointer(strings + offset).loadUnaligned(as: UInt32.self)
        return UnsafeBufferPointer(start: strings + offset + 4, count: Int(length))
    }

    private func string(at offset: Int) -> String { String(decoding: bytes(at: offset), as: UTF8.self) }

    private mutating func array(end: Int) -> JSONValue {
        var elements: [JSONValue] = []
        while position < end - 1 { elements.append(next()) }
        position = end
        return .array(elements)
    }

    /// Up to so many members a list that is searched is faster than a set; beyond it would make the work of one delivery
    /// grow with the square of its size.
    private static let narrowMax = 64

    /// Of a name that stands twice the first counts, everywhere: what we read, write again and send on is one and the same.
    private mutating func object(end: Int) -> JSONValue {
        var members: [JSONObject.Member] = []
        var names: Set<String> = []
        let outer = digests.count
        while position < end - 1 {
            let name = bytes(at: Int(words[position] & Self.payloadMask))
            position += 1
            let isNarrow = members.count < Self.narrowMax
            let digest = Self.digest(name)
            let mayStandTwice = isNarrow && digests[outer...].contains(digest)
            // Once each: a name that is repeated a hundred thousand times makes no longer list to search.
            if isNarrow, !mayStandTwice { digests.append(digest) }
            let member = JSONObject.Member(key: String(decoding: name, as: UTF8.self), value: next())
            if isNarrow {
                if mayStandTwice, members.contains(where: { $0.key == member.key }) { continue }
            } else {
                if names.isEmpty { names = Set(members.map(\.key)) }
                guard names.insert(member.key).inserted else { continue }
            }
            members.append(member)
        }
        digests.removeSubrange(outer...)
        position = end
        return .object(JSONObject(members: members))
    }

    /// FNV-1a: names with different digests differ.
    private static func digest(_ name: UnsafeBufferPointer<UInt8>) -> UInt32 {
        name.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}
