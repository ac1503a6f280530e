import Settings
import TestKit
import Testing

@Suite struct `Reading a mutated settings file` {
    @Test func `never traps, and yields settings or a reason`() {
        for seed in UInt64(1)...3000 {
            var generator = SeededGenerator(seed: seed)
            let text = mutated(example, using: &generator)
            let reading = read(text)
            #expect((reading.settings == nil) == !reading.errors.isEmpty, "seed \(seed)")
        }
    }

    @Test func `never traps in .env`() {
        let text = Starter.environment(chatRandom: [1, 2, 3], hookRandom: [4]) + "export A='x y' # c\nB=\"a\\n\"\n"
        for seed in UInt64(1)...2000 {
            var generator = SeededGenerator(seed: seed)
            let reading = DotEnv.parse(mutated(text, using: &generator))
            #expect(reading.values.keys.allSatisfy { !$0.isEmpty }, "seed \(seed)")
        }
    }

    /// One to six cuts, doublings, replacements and swaps.
    private func mutated(_ text: String, using generator: inout SeededGenerator) -> String {
        let pieces: [Unicode.Scalar] = [
            "\0", "\t", "\n", "\r", " ", "\"", "'", "[", "]", "{", "}", ":", ",", "-", "&", "*", "!", "|", ">", "%",
            "@", "`", "#", "$", ".", "?", "<", "=", "9", "e", "\u{FEFF}", "\u{85}", "\u{2028}", "\u{F8FE}", "\u{301}",
            "é", "🙂",
        ]
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !scalars.isEmpty {
            let place = Int.random(in: 0..<scalars.count, using: &generator)
            let end = min(scalars.count, place + Int.random(in: 1...30, using: &generator))
            switch Int.random(in: 0...4, using: &generator) {
            case 0: scalars.removeSubrange(place..<end)
            case 1: scalars.insert(contentsOf: scalars[place..<end], at: place)
            case 2: scalars[place] = pieces.randomElement(using: &generator) ?? " "
            case 3: scalars.insert(pieces.randomElement(using: &generator) ?? " ", at: place)
            default: scalars.swapAt(place, Int.random(in: 0..<scalars.count, using: &generator))
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
