package import Model
package import Seams

/// A webhook delivery that a stand-in for a sender makes: which source it is for, and what is sent.
package struct SimulatedDelivery: Sendable, Hashable {
    /// The name of the source that it goes to.
    package var source: String
    /// The sender's id of the event; it stays the same when the delivery is repeated.
    package var id: String
    /// The sender's name of the event's type, for people who watch.
    package var type: String
    /// When it leaves.
    package var at: Instant
    package var body: [UInt8]
    package var signing: Signing

    /// The headers as they are at the delivery's own moment.
    package var headers: [OutboundRequest.Header] { headers(at: at) }

    /// The headers of the same delivery, sent or sent again at another moment.
    package func headers(at moment: Instant) -> [OutboundRequest.Header] {
        signing.headers(id: id, body: body, at: moment)
    }
}

/// Ids as providers make them: a prefix and letters and digits that follow from a text, so that a story told twice has
/// the same ids.
enum ProviderID {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

    static func make(_ prefix: String, _ text: String, length: Int = 24) -> String {
        // FNV-1a over the text, then SplitMix64 for as many characters as are asked for.
        var state = (prefix + text).utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let characters = (0..<length).map { _ -> UInt8 in
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return digits[Int((word ^ word >> 31) % UInt64(digits.count))]
        }
        return prefix + String(decoding: characters, as: UTF8.self)
    }
}

extension JSONObject {
    /// This object with the members of another behind its own, where it has none of that name.
    func with(_ other: JSONObject) -> JSONObject {
        var all = self
        for member in other.members { all[member.key] = member.value }
        return all
    }

    /// Members without a value, as providers send them.
    static func nulls(_ names: String) -> JSONObject {
        JSONObject(members: names.split(separator: " ").map { .init(key: String($0), value: .null) })
    }
}
