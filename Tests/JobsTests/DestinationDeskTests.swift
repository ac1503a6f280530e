import ConnectorKit
import Jobs
import Journal
import Model
import Settings
import TestKit
import Testing

@Suite struct `A destination's desk` {
    private let trouble = Verdict.Trouble("http_500", "boom")
    private func desk(concurrency: Int = 4, rate: Rate? = nil) -> DestinationDesk {
        DestinationDesk(Build.destination(concurrency: concurrency, rate: rate), at: .zero)
    }
    private func pause(_ cause: Pause.Cause) -> Pause {
        Pause(cause: cause, reason: "r", since: Instant(seconds: 0))
    }

    @Test func `has room for its concurrency less what is under way`() {
        var desk = desk()
        #expect(desk.capacity(at: .zero) == 4)
        desk.taken(3, at: .zero)
        #expect(desk.capacity(at: .zero) == 1)
        _ = desk.finished(.succeeded, at: .zero)
        #expect(desk.capacity(at: .zero) == 2)
    }

    @Test func `lets one through when its breaker is half-open`() {
        var desk = desk()
        desk.taken(4, at: .zero)
        for _ in 1...4 { #expect(desk.finished(.failed(trouble), at: .zero) == .none) }
        desk.taken(1, at: .zero)
        #expect(desk.finished(.failed(trouble), at: .zero) == .announceOpened)
        #expect(desk.capacity(at: .seconds(4)) == 0)
        #expect(desk.nextChange(at: .seconds(4)) == .seconds(5))
        #expect(desk.capacity(at: .seconds(5)) == 1)
        desk.taken(1, at: .seconds(5))
        #expect(desk.capacity(at: .seconds(5)) == 0)
        #expect(desk.finished(.answered(trouble), at: .seconds(6)) == .announceClosed)
        #expect(desk.capacity(at: .seconds(6)) == 4)
    }

    @Test func `grants the patience that was asked for, within reason`() {
        for (asked, granted) in [(0, 1), (30, 30), (86_400 * 30, 3600)] {
            var desk = desk()
            desk.taken(1, at: .zero)
            _ = desk.finished(.slowedDown(trouble, for: .seconds(asked)), at: .zero)
            #expect(desk.capacity(at: .seconds(granted) - .milliseconds(1)) == 0)
            #expect(desk.nextChange(at: .zero) == .seconds(granted))
            #expect(desk.capacity(at: .seconds(granted)) == 4)
        }
    }

    @Test func `keeps to what the destination says is left`() {
        var desk = desk(concurrency: 8)
        desk.taken(3, at: .zero)
        _ = desk.finished(.succeeded, limit: RateHint(remaining: 5, resetsAfter: .seconds(10)), at: .zero)
        // Two are under way and may not be counted by the destination yet.
        #expect(desk.capacity(at: .seconds(1)) == 3)
        desk.taken(3, at: .seconds(1))
        #expect(desk.capacity(at: .seconds(9)) == 0)
        #expect(desk.capacity(at: .seconds(10)) == 3)
    }

    @Test func `pauses once when the credential is refused, and takes one job first when it goes on`() {
        var desk = desk()
        desk.taken(4, at: .zero)
        #expect(desk.finished(.refused(.credentials, trouble), at: .zero) == .pause(.credentials, trouble))
        desk.paused(pause(.credentials), at: .zero)
        #expect(desk.finished(.refused(.credentials, trouble), at: .zero) == .none)
        #expect(desk.capacity(at: .seconds(10_000)) == 0)
        _ = desk.finished(.notMade, at: .zero)
        _ = desk.finished(.notMade, at: .zero)
        desk.resumed()
        #expect(desk.capacity(at: .zero) == 1)
        desk.taken(1, at: .zero)
        _ = desk.finished(.succeeded, at: .zero)
        #expect(desk.capacity(at: .zero) == 4)
    }

    @Test func `keeps a person's pause when the engine would pause too`() {
        var desk = desk()
        desk.paused(pause(.person), at: .zero)
        desk.paused(pause(.blocked), at: .zero)
        #expect(desk.pause?.cause == .person)
        desk.resumed()
        desk.paused(pause(.blocked), at: .zero)
        desk.paused(pause(.person), at: .zero)
        #expect(desk.pause?.cause == .person)
    }

    @Test func `gives the token of a call that was not made back`() {
        var desk = desk(concurrency: 50, rate: Rate(count: 20, per: .seconds(10)))
        let room = desk.capacity(at: .zero)
        desk.taken(room, at: .zero)
        #expect(desk.capacity(at: .zero) == 0)
        _ = desk.finished(.notMade, at: .zero)
        #expect(desk.capacity(at: .zero) == 1)
        _ = desk.finished(.succeeded, at: .zero)
        #expect(desk.capacity(at: .zero) == 1)
    }

    @Test func `takes new settings over without losing count of what is under way`() {
        var desk = desk(concurrency: 4)
        desk.taken(4, at: .zero)
        desk.adopt(Build.destination(concurrency: 6, rate: Rate(count: 10, per: .seconds(1))), at: .zero)
        #expect(desk.inFlight == 4)
        #expect(desk.capacity(at: .zero) == 1)
    }

    @Test func `never has more under way than it may, whatever happens`() {
        for seed in UInt64(0)..<2000 {
            var chance = SeededGenerator(seed: seed)
            let concurrency = Int.random(in: 1...10, using: &chance)
            var desk = desk(
                concurrency: concurrency,
                rate: Bool.random(using: &chance) ? nil : Rate(count: 10, per: .seconds(1)))
            var now: Duration = .zero
            for _ in 0..<200 {
                now += .milliseconds(Int.random(in: 0...900, using: &chance))
                let room = desk.capacity(at: now)
                #expect(room >= 0 && desk.inFlight + room <= max(concurrency, desk.inFlight), "seed \(seed)")
                desk.taken(Int.random(in: 0...room, using: &chance), at: now)
                guard desk.inFlight > 0, Bool.random(using: &chance) else { continue }
                let endings: [DestinationDesk.Ending] = [
                    .succeeded, .answered(trouble), .failed(trouble), .notMade, .refused(.blocked, trouble),
                    .slowedDown(trouble, for: .seconds(2)),
                ]
                if case .pause(let cause, _)? = endings.randomElement(using: &chance)
                    .map({ desk.finished($0, at: now) })
                {
                    desk.paused(pause(cause), at: now)
                    #expect(desk.capacity(at: now) == 0, "seed \(seed)")
                    desk.resumed()
                }
            }
        }
    }
}
