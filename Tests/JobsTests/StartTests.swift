import ConnectorKit
import Jobs
import Model
import Settings
import Testing

@Suite struct `A job that is about to be called out` {
    private static let lost = Instant(seconds: 100_000)
    private static let keyed = EffectClass.keyed(lifetime: .seconds(7200), isFindableAfter: true)
    private static let keyedOnly = EffectClass.keyed(lifetime: .seconds(7200), isFindableAfter: false)
    private static let findable = EffectClass.findable(lag: .seconds(30))

    private func start(
        _ effectClass: EffectClass, unknown: Bool = true, after seconds: Int64, rendered: Instant? = lost,
        onUnknown: Flow.OnUnknown = .repeat, setsState: Bool = false
    ) -> Start {
        Start(
            Start.Circumstances(
                effectClass: effectClass, isStateSetting: setsState, unknownSince: unknown ? Self.lost : nil,
                renderedAt: rendered, onUnknown: onUnknown, timeout: .seconds(15)),
            now: Self.lost + .seconds(seconds))
    }

    @Test(arguments: [keyed, keyedOnly, findable, .upsert, .unsafe])
    func `goes at once when every earlier attempt ended clearly`(effectClass: EffectClass) {
        #expect(start(effectClass, unknown: false, after: 0, onUnknown: .hold) == .go(.first))
    }

    @Test func `repeats with its key while the destination remembers it`() {
        #expect(start(Self.keyed, after: 1) == .go(.repeatWithKey))
        #expect(start(Self.keyedOnly, after: 6464) == .go(.repeatWithKey))
    }

    @Test func `looks first when the key may be forgotten and the effect can be found`() {
        #expect(start(Self.keyed, after: 6465) == .go(.lookFirst))
        #expect(start(Self.keyed, after: 7300) == .go(.lookFirst))
        #expect(start(Self.keyed, after: 1, rendered: nil) == .wait(until: Self.lost + .seconds(17)))
    }

    @Test func `is as unsafe as any when the key may be forgotten and nothing can be found`() {
        #expect(start(Self.keyedOnly, after: 7300) == .go(.first))
        #expect(start(Self.keyedOnly, after: 7300, onUnknown: .hold) == .hold)
    }

    @Test func `waits out the lost call and the lag before it looks`() {
        #expect(start(Self.findable, after: 46) == .wait(until: Self.lost + .seconds(47)))
        #expect(start(Self.findable, after: 47) == .go(.lookFirst))
        #expect(start(Self.findable, after: 47, onUnknown: .hold) == .go(.lookFirst))
    }

    @Test func `calls an upsert again at once`() {
        #expect(start(.upsert, after: 0, onUnknown: .hold) == .go(.first))
    }

    @Test func `sets a state again only when the lost call can no longer put an older one back`() {
        #expect(start(.upsert, after: 16, setsState: true) == .wait(until: Self.lost + .seconds(17)))
        #expect(start(.upsert, after: 17, setsState: true) == .go(.first))
        #expect(start(.upsert, unknown: false, after: 0, setsState: true) == .go(.first))
    }

    @Test func `asks a person or repeats once the lost call is over, as the flow says`() {
        #expect(start(.unsafe, after: 1, onUnknown: .hold) == .hold)
        #expect(start(.unsafe, after: 16) == .wait(until: Self.lost + .seconds(17)))
        #expect(start(.unsafe, after: 17) == .go(.first))
    }
}
