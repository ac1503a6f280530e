package import Model

/// Where the engine takes its random bits: the system's generator in production, a seed in simulation.
package protocol ChanceSource: Sendable {
    func next() -> UInt64
}

/// The operating system's cryptographic generator.
package struct SystemChance: ChanceSource {
    package init() {}

    package func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

extension ChanceSource {
    /// A fraction in 0..<1.
    package func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// `count` random bytes, for keys and secrets.
    package func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var word = next()
            for _ in 0..<min(8, count - bytes.count) {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return bytes
    }
}

/// Makes ids out of the time and chance that it was given.
package struct IDMint: Sendable {
    private let time: any TimeSource
    private let chance: any ChanceSource

    package init(time: any TimeSource, chance: any ChanceSource) {
        self.time = time
        self.chance = chance
    }

    package func make<Tag>(_ tag: Tag.Type = Tag.self) -> Identifier<Tag> {
        Identifier(at: time.now, random: (chance.next(), chance.next()))
    }
}
