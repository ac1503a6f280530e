/// What happened in a run, as a hash always and as words where somebody reads them.
///
/// Two runs of one seed have the same hash, or something in them hangs on more than the seed.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class Trace: @unchecked Sendable {
    private static let linesMax = 200_000

    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var lines: [String] = []
    private let isSpoken: Bool

    init(isSpoken: Bool) { self.isSpoken = isSpoken }

    func mark(_ number: some BinaryInteger) {
        hash = (hash ^ UInt64(truncatingIfNeeded: number)) &* 0x100_0000_01B3
    }

    /// `words` are formed only where they are kept; `code` stands for them in the hash.
    func note(_ uptime: Int64, _ code: Int, _ words: @autoclosure () -> String) {
        mark(uptime)
        mark(code)
        guard isSpoken, lines.count < Self.linesMax else { return }
        lines.append("\(Self.shown(uptime)) \(words())")
    }

    private static func shown(_ uptime: Int64) -> String {
        let fraction = String(uptime % 1000)
        return "\(uptime / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
