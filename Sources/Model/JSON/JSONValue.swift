/// A JSON value as it was read: whole numbers stay whole, objects keep their order.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    package var isNull: Bool { self == .null }

    /// A whole number; a double that holds one exactly counts.
    package var int: Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// True for `null` and for empty text, which the event contract treats as absent.
    package var isAbsent: Bool {
        switch self {
        case .null: true
        case .string(let text): text.isEmpty
        default: false
        }
    }

    /// A member of an object, or nil where this is no object or has no such member.
    package subscript(_ key: String) -> JSONValue? { object?[key] }

    /// The value as text for templates, headers and string-only APIs: text as it is, numbers in plain digits.
    package var text: String? {
        switch self {
        case .string(let value): value
        case .int(let value): String(value)
        case .double(let value): Int64(exactly: value).map { String($0) } ?? String(value)
        case .bool(let value): value ? "true" : "false"
        case .null: nil
        case .array, .object: encodedText
        }
    }
}

/// The members of a JSON object in the order in which they were written.
///
/// Objects on this road are small (a provider's widest has some sixty members), so a list that is searched from the
/// front beats a hash table in time and memory.
package struct JSONObject: Sendable {
    package struct Member: Sendable, Hashable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    package private(set) var members: [Member]

    package init() { members = [] }
    package init(members: [Member]) { self.members = members }

    package var isEmpty: Bool { members.isEmpty }
    package var count: Int { members.count }
    package var keys: [String] { members.map(\.key) }

    /// The first member of that name.
    ///
    /// Setting nil removes it.
    package subscript(_ key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The member, unless it is missing, `null` or empty text.
    package func present(_ key: String) -> JSONValue? {
        guard let value = self[key], !value.isAbsent else { return nil }
        return value
    }

    /// Fills members that are absent here from `other`; what is here stays.
    package mutating func fill(from other: JSONObject) {
        for member in other.members where present(member.key) == nil && !member.value.isAbsent {
            self[member.key] = member.value
        }
    }
}

extension JSONObject: Hashable {
    /// Order does not matter to equality: JSON objects are unordered.
    package static func == (lhs: JSONObject, rhs: JSONObject) -> Bool {
        guard lhs.members.count == rhs.members.count else { return false }
        // Searching from the front, once for each, is only cheap where there are few.
        return lhs.members.count <= 64
            ? lhs.members.allSatisfy { rhs[$0.key] == $0.value } : Set(lhs.members) == Set(rhs.members)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        hasher.combine(Set(members))
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral, ExpressibleByFloatLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(members: elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }
}
