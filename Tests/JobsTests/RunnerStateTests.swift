import Journal
import Settings
import Testing

@testable import Jobs

@Suite struct `What the runner waits for` {
    /// A destination with a rate of 37 a second and four at once, which has just been asked for all that it takes.
    private func exhausted() -> RunnerState {
        var state = RunnerState(at: .zero)
        state.adopt([Build.destination(concurrency: 20, rate: Rate(count: 40, per: .seconds(1)))], at: .zero)
        state.note(Beat(), sentAt: .zero, [])
        state.took((0..<4).map { _ in Build.claimed() }, at: .zero)
        return state
    }

    @Test func `is the next call's time where a destination has none left`() {
        var state = exhausted()
        #expect(state.claims(at: .zero).isEmpty)
        let wait = state.nextChange(at: .zero, asked: [:])
        #expect(wait.map { $0 > .zero && $0 < .milliseconds(30) } == true)
    }

    @Test func `is nothing where it had none left when the others were asked, and has now`() {
        // The journal took longer to settle than one call's time.
        var state = exhausted()
        #expect(state.nextChange(at: .milliseconds(60), asked: [:]) == .zero)
        #expect(state.nextChange(at: .milliseconds(60), asked: ["crm": true]) == .zero, "it gave all it was asked for")
        #expect(state.nextChange(at: .milliseconds(60), asked: ["crm": false]) == nil, "it has nothing more")
        #expect(state.nextChange(at: .milliseconds(60), asked: nil) == nil, "nobody is to be asked")
        state.isStopping = true
        #expect(state.nextChange(at: .milliseconds(60), asked: [:]) == nil)
    }
}
