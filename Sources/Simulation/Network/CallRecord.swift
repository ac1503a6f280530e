internal import Model

/// One call of the engine, as its wire saw it.
struct CallRecord {
    var destination: String
    var method: String
    var path: String
    /// The effect's key as the request bears it; nil where it bears none.
    var mark: String?
    /// A hash of the request's body.
    var body: UInt64
    var startedAt: Int64
    var endedAt: Int64?
    /// Which life of the engine made it.
    var life: Int
    /// Whether it changes something at the provider.
    var isEffect: Bool

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
