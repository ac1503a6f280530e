internal import Seams

/// All chance of a run (SplitMix64, by Steele, Lea and Flood, 2014).
///
/// `@unchecked Sendable`: a run has one thread, and only it throws these dice.
final class Dice: ChanceSource, RandomNumberGenerator, @unchecked Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// Dice of their own, so that more throws in one place change nothing in another.
    func fork() -> Dice { Dice(seed: next()) }

    func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }
    func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }
    func hits(_ share: Double) -> Bool { share > 0 && fraction() < share }
    /// Nil of an empty list.
    func pick<Element>(_ list: [Element]) -> Element? { list.isEmpty ? nil : list[below(list.count)] }
    func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(number(range)) }
}
