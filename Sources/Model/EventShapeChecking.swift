/// What is wrong with an event's data, and where.
package struct ShapeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `data.email`.
    package var field: String
    /// What was expected there.
    ///
    /// Holds nothing of what stood there.
    package var expected: String

    package init(field: String, expected: String) {
        self.field = field
        self.expected = expected
    }

    package var description: String { "\(field) \(expected)" }
}

extension EventShape {
    /// The data as it is kept: absent fields dropped, addresses, currencies and text normalised.
    ///
    /// Null and empty text equal absent. Fields that the shape does not know are kept as they came, within bounds. Of
    /// a name that stands twice the first counts.
    package func checked(_ data: JSONObject) throws(ShapeError) -> JSONObject {
        let data = try normalised(data, isStrict: true)
        try requireFields(in: data)
        return data
    }

    /// The same for a provider's data: an optional field that does not fit is left out instead of refusing the rest.
    ///
    /// A payment is no less paid because its payer's address is nonsense. `isComplete` asks for the required fields;
    /// an event that only adds to another's statement need not have them.
    package func fitted(_ data: JSONObject, isComplete: Bool) throws(ShapeError) -> JSONObject {
        let fitted = try normalised(data, isStrict: false)
        if isComplete { try requireFields(in: fitted) }
        return fitted
    }

    private func normalised(_ data: JSONObject, isStrict: Bool) throws(ShapeError) -> JSONObject {
        guard data.count <= Limits.dataFieldsMax else {
            throw ShapeError(field: "data", expected: "has more than \(Limits.dataFieldsMax) fields")
        }
        var members: [JSONObject.Member] = []
        members.reserveCapacity(data.count)
        for member in data.members where !member.value.isAbsent {
            let isSeen = members.contains { $0.key == member.key }
            if isSeen { continue }
            let kind = fields.first { $0.name == member.key }?.kind
            do {
                let value = try Self.normalised(member.value, as: kind, named: member.key)
                if !value.isAbsent { members.append(.init(key: FieldText.withoutNull(member.key), value: value)) }
            } catch  where !isStrict {
                continue
            }
        }
        return JSONObject(members: members)
    }

    private func requireFields(in data: JSONObject) throws(ShapeError) {
        for field in fields where required.contains(field.name) && data[field.name] == nil {
            throw ShapeError(field: "data.\(field.name)", expected: "is required by \(type.name)")
        }
        // A required name that is no declared field.
        if let name = required.lazy.filter({ data[$0] == nil }).min() {
            throw ShapeError(field: "data.\(name)", expected: "is required by \(type.name)")
        }
        for group in requiredAnyOf where !group.contains(where: { data[$0] != nil }) {
            throw ShapeError(
                field: "data.\(group.first ?? "")",
                expected: "is required by \(type.name), or one of: \(group.dropFirst().joined(separator: ", "))")
        }
    }

    private static func normalised(
        _ value: JSONValue, as kind: FieldKind?, named name: String
    ) throws(ShapeError) -> JSONValue {
        func wrong(_ expected: String) -> ShapeError { ShapeError(field: "data.\(name)", expected: expected) }
        switch (kind, value) {
        case (.text, .string(let text)):
            return try .string(FieldText.bounded(text, max: Limits.textLengthMax, field: "data.\(name)"))
        case (.message, .string(let text)):
            return try .string(FieldText.bounded(text, max: Limits.messageLengthMax, field: "data.\(name)"))
        case (.id, .string(let text)):
            return try .string(FieldText.bounded(text, max: Limits.idLengthMax, field: "data.\(name)"))
        case (.text?, _), (.message?, _), (.id?, _): throw wrong("must be text")
        case (.email, _):
            guard let address = value.string.flatMap({ EmailAddress($0) }) else {
                throw wrong("must be an email address such as ada@example.com")
            }
            return .string(address.address)
        case (.amount, _):
            guard let amount = value.int, amount >= 0 else {
                throw wrong("must be a whole number, zero or more, in the currency's minor unit (4900 for 49.00)")
            }
            return .int(amount)
        case (.currency, _):
            guard let code = value.string, code.utf8.count == 3, code.utf8.allSatisfy(FieldText.isLetter) else {
                throw wrong("must be a three-letter ISO 4217 code such as usd")
            }
            return .string(code.lowercased())
        case (.time, _):
            guard let time = value.string.flatMap({ Instant(rfc3339: $0) }) else {
                throw wrong("must be an RFC 3339 time such as 2026-11-23T10:00:00Z")
            }
            return .string(time.description)
        case (.number, _):
            guard value.double != nil else { throw wrong("must be a number") }
            return value
        case (.integer, _):
            guard let integer = value.int else { throw wrong("must be a whole number") }
            return .int(integer)
        case (.flag, _):
            guard value.bool != nil else { throw wrong("must be true or false") }
            return value
        case (.any, _), (nil, _):
            return try FieldText.bounded(value, max: Limits.textLengthMax, field: "data.\(name)")
        }
    }
}

/// Text as it is kept.
package enum FieldText {
    /// The text without U+0000, which no store keeps in text; an error when it is longer than `max` bytes.
    package static func bounded(_ text: String, max: Int, field: String) throws(ShapeError) -> String {
        guard text.utf8.count <= max else {
            throw ShapeError(field: field, expected: "must have at most \(max) bytes")
        }
        return withoutNull(text)
    }

    package static func withoutNull(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        return String(decoding: text.utf8.filter { $0 != 0 }, as: UTF8.self)
    }

    /// The same for each text inside a value; inside lists and objects the bound is that of a message, since a
    /// transcript is a list of messages.
    static func bounded(_ value: JSONValue, max: Int, field: String) throws(ShapeError) -> JSONValue {
        switch value {
        case .string(let text): return try .string(bounded(text, max: max, field: field))
        case .array(let elements):
            var kept: [JSONValue] = []
            kept.reserveCapacity(elements.count)
            for element in elements {
                try kept.append(bounded(element, max: Limits.messageLengthMax, field: field))
            }
            return .array(kept)
        case .object(let object):
            var members: [JSONObject.Member] = []
            members.reserveCapacity(object.count)
            for member in object.members {
                let value = try bounded(member.value, max: Limits.messageLengthMax, field: field)
                members.append(.init(key: withoutNull(member.key), value: value))
            }
            return .object(JSONObject(members: members))
        case .null, .bool, .int, .double: return value
        }
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
