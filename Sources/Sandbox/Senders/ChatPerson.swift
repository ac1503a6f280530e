/// An invented person who chats.
package struct ChatPerson: Sendable, Hashable {
    package let firstName: String
    package let lastName: String
    package let company: String
    package let email: String

    package var name: String { "\(firstName) \(lastName)" }

    /// `number` keeps two people of one name apart.
    init(number: Int, _ chance: inout StoryChance) {
        firstName = chance.pick(Phrases.firstNames)
        lastName = chance.pick(Phrases.lastNames)
        company = chance.pick(Phrases.companies)
        let mailbox = "\(firstName).\(lastName).\(number)".lowercased().filter { $0.isASCII && $0 != " " && $0 != "'" }
        email = "\(mailbox)@\(chance.pick(["example.com", "example.org", "example.net"]))"
    }
}

/// The chance of a story, from a seed (SplitMix64, by Steele, Lea and Flood, 2014).
struct StoryChance: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func isHit(_ share: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < share }
    mutating func number(in range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }
    mutating func seconds(_ range: ClosedRange<Int64>) -> Duration { .seconds(number(in: range)) }
    /// One of a list that is not empty.
    mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(next() % UInt64(list.count))] }
    mutating func shuffled<Element>(_ list: [Element]) -> [Element] {
        var list = list
        for index in stride(from: list.count - 1, to: 0, by: -1) {
            list.swapAt(index, Int(next() % UInt64(index + 1)))
        }
        return list
    }
}
