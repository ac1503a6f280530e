import ConnectorKit
import Jobs
import Journal
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite(.ownQueue, .timeLimit(.minutes(2))) struct `A runner in trouble` {
    @Test func `keeps settlements while the journal refuses them, and makes no effect twice`() async throws {
        let time = ManualTime()
        let journal = Mutex<MemoryJournal?>(nil)
        let scene = Scene(
            time: time,
            ScriptedConnector(.unsafe, time: time) { number, _ in
                // From now on the disk is full for a while.
                if number == 3 {
                    journal.withLock { $0 }?.state.withLock { $0.faults = Array(repeating: .refuses, count: 15) }
                }
                return Report(.succeeded(ExternalRecord(kind: "note", id: "\(number)")))
            })
        journal.withLock { $0 = scene.journal }
        scene.journal.add(12)
        try await scene.play(until: Scene.allCompleted)
        #expect(Set(scene.connector.calls.map(\.key)).count == scene.connector.calls.count)
        #expect(scene.connector.calls.count == 12)
        #expect(scene.journal.now.refused.isEmpty)
    }

    @Test func `rescues jobs of a claim whose answer was lost`() async throws {
        let time = ManualTime()
        let scene = Scene(time: time, ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(12)
        scene.journal.state.withLock { $0.faults = [.losesAnswer] }
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.journal.now.rescues == 2)
        #expect(scene.connector.calls.count == 12)
    }

    @Test func `takes a job of an earlier process up as one of unknown end`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(.findable(lag: .seconds(30)), time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(1)
        _ = try await scene.journal.exchange(
            [], claims: [ClaimRequest(destination: "crm", limit: 1)], node: "n0", now: time.now)
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.calls.map(\.approach) == [.lookFirst])
        #expect(scene.connector.calls.first.map { $0.at >= Build.start + .seconds(47) } == true)
    }

    @Test func `lets calls under way end before it stops, and claims nothing more`() async throws {
        let time = HeldTime()
        let runner = Mutex<JobRunner?>(nil)
        let scene = Scene(
            Build.settings(destination: Build.destination(concurrency: 2)), time: time,
            ScriptedConnector(time: time) { _, _ in
                runner.withLock { $0 }?.stop()
                for _ in 0..<1000 { await Task.yield() }
                let isCutOff = Task.isCancelled
                return Report(
                    isCutOff
                        ? .transient(Verdict.Trouble("broken", "cut off"), mayHaveHappened: true) : .succeeded(nil))
            })
        runner.withLock { $0 = scene.runner }
        scene.journal.add(10)
        try await scene.runner.run()
        let completed = scene.journal.ended(.completed)
        #expect(completed >= 1 && completed <= 2)
        #expect(scene.connector.calls.count == completed)
        #expect(scene.journal.ended(.running) == 0)
    }

    @Test func `hands a job back that was not called yet`() async throws {
        let time = ManualTime()
        let scene = Scene(time: time, ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(1)
        let runner = scene.runner
        scene.journal.onSurroundings.withLock { hook in
            hook = {
                runner.stop()
                // The journal takes longer than the drain: the runner cuts it off.
                while !Task.isCancelled { await Task.yield() }
            }
        }
        try await runner.run()
        #expect(scene.connector.calls.isEmpty)
        #expect(scene.journal.ended(.retryable) + scene.journal.ended(.available) == 1)
        #expect(scene.journal.now.rows.values.first?.job.attempts == 0)
        #expect(scene.journal.now.attempts.map(\.end.outcome) == [.notMade])
    }

    @Test func `counts a call that it had to cut off as unknown`() async throws {
        let time = ManualTime()
        let runner = Mutex<JobRunner?>(nil)
        let scene = Scene(
            time: time,
            ScriptedConnector(.unsafe, time: time) { _, _ in
                runner.withLock { $0 }?.stop()
                while !Task.isCancelled { await Task.yield() }
                return Report(.transient(Verdict.Trouble("broken", "cut"), mayHaveHappened: true))
            })
        runner.withLock { $0 = scene.runner }
        scene.journal.add(1)
        try await scene.runner.run()
        #expect(scene.journal.now.attempts.map(\.end.outcome) == [.unknown])
        #expect(scene.journal.now.rows.values.first?.job.attempts == 1)
    }

    @Test func `settles what it has when its task is cancelled`() async throws {
        let time = ManualTime()
        let called = Signal()
        let scene = Scene(
            time: time,
            ScriptedConnector(.unsafe, time: time) { _, _ in
                called.raise()
                while !Task.isCancelled { await Task.yield() }
                return Report(.succeeded(nil))
            })
        scene.journal.add(1)
        try await withThrowingTaskGroup { group in
            group.addTask { try await scene.runner.run() }
            await called.wait(upTo: .seconds(30), on: SystemTime())
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(scene.journal.ended(.completed) == 1)
    }

    @Test(arguments: 1...40)
    func `brings every job to its end once, whatever the destination and the disk do`(seed: UInt64) async throws {
        let time = ManualTime()
        let chance = SeededChance(seed: seed)
        let effects = Mutex<[EffectKey: Int]>([:])
        let trouble = Verdict.Trouble("http_500", "boom")
        let scene = Scene(
            Build.settings(retry: RetryPolicy(giveUp: .seconds(30 * 86_400))), time: time, seed: seed,
            ScriptedConnector(.findable(lag: .seconds(5)), time: time) { number, call in
                let isFound = call.approach == .lookFirst && effects.withLock { $0[call.key] != nil }
                let make = { effects.withLock { if !isFound { $0[call.key, default: 0] += 1 } } }
                switch number > 300 ? 0 : chance.next() % 8 {
                case 1: return Report(.transient(trouble, mayHaveHappened: false))
                case 2:
                    make()
                    return Report(.transient(trouble, mayHaveHappened: true))
                case 3: return Report(.transient(trouble, mayHaveHappened: true))
                case 4: return Report(.slowDown(trouble, after: .seconds(2)))
                case 5: return Report(.credentials(trouble))
                case 6: return Report(.blocked(trouble))
                default:
                    make()
                    return Report(.succeeded(nil))
                }
            })
        scene.journal.add(25)
        scene.journal.state.withLock { state in
            state.faults = (0..<5).map { _ in chance.next() % 2 == 0 ? .refuses : .losesAnswer }
        }
        try await scene.play(until: { Scene.allCompleted($0) && $0.alerts.isEmpty && $0.pauses.isEmpty })
        #expect(effects.withLock { $0.count == 25 && $0.values.allSatisfy { $0 == 1 } }, "seed \(seed)")
    }
}
