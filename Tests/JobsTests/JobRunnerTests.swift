import ConnectorKit
import Jobs
import Journal
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite(.ownQueue, .timeLimit(.minutes(2))) struct `The runner` {
    private static let boom = Verdict.Trouble("http_500", "boom")
    private static let denied = Verdict.Trouble("http_401", "token expired")

    @Test func `works every job once and keeps the record`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time) { number, _ in
                Report(.succeeded(ExternalRecord(kind: "contact", id: "\(number)")), status: 200)
            })
        scene.journal.add(200)
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.calls.count == 200)
        #expect(Set(scene.connector.calls.map(\.key)).count == 200)
        #expect(scene.journal.now.rows.values.allSatisfy { $0.record?.kind == "contact" })
        #expect(scene.runner.health().first?.lastSuccessAt != nil)
    }

    @Test func `never has more calls under way than the destination allows`() async throws {
        let time = ManualTime()
        let scene = Scene(
            Build.settings(destination: Build.destination(concurrency: 3)), time: time,
            ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(60)
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.mostUnderWay <= 3)
    }

    @Test func `never claims faster than the rate`() async throws {
        let time = ManualTime()
        let rate = Rate(count: 10, per: .seconds(10))
        let scene = Scene(
            Build.settings(destination: Build.destination(concurrency: 20, rate: rate)), time: time,
            ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(60)
        try await scene.play(until: Scene.allCompleted)
        let claims = scene.journal.now.claims
        for claim in claims {
            let window = claims.filter { $0.at >= claim.at && $0.at < claim.at + rate.per }
            #expect(window.reduce(0) { $0 + $1.count } <= rate.count)
        }
    }

    @Test func `costs a handful of calls when the credential expires, holds the jobs, and goes on by itself`()
        async throws
    {
        let time = ManualTime()
        let isFixed = Mutex(false)
        let scene = Scene(
            time: time,
            ScriptedConnector(
                time: time,
                probe: { number in
                    if number >= 3 { isFixed.withLock { $0 = true } }
                    return isFixed.withLock { $0 } ? .succeeded(nil) : .credentials(Self.denied)
                },
                answer: { _, _ in
                    Report(isFixed.withLock { $0 } ? .succeeded(nil) : .credentials(Self.denied), status: 401)
                }))
        scene.journal.add(30)
        try await scene.play(until: { Scene.allCompleted($0) && $0.alerts.isEmpty })
        #expect(scene.connector.calls.count <= 30 + 4)
        #expect(scene.connector.probes == 3)
        #expect(scene.journal.now.rows.values.allSatisfy { $0.job.attempts == 0 })
        #expect(scene.journal.now.alertsTold == ["destination:crm:credentials"])
        #expect(scene.journal.now.pausesMade == 1)
        #expect(scene.journal.now.pauses.isEmpty)
    }

    @Test func `asks a destination that refuses its set-up ever more rarely, even when the probe works`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time) { _, call in
                Report(time.now < Build.start + .seconds(3600) ? .blocked(Self.denied) : .succeeded(nil))
            })
        scene.journal.add(30)
        try await scene.play(until: { Scene.allCompleted($0) && $0.alerts.isEmpty })
        // Four at first; then after 30 s, 1, 2, 4, 8 and each 10 minutes a single one.
        #expect(scene.connector.calls.count - 30 <= 4 + 11)
    }

    @Test func `resumes at a person's word when the destination works, and says why it does not`() async throws {
        let time = ManualTime()
        let verdict = Mutex(Verdict.credentials(Self.denied))
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time, probe: { _ in verdict.withLock { $0 } }) { _, _ in Report(.succeeded(nil)) })
        try await scene.runner.pause("crm", by: "ada: maintenance")
        #expect(scene.journal.now.pauses["crm"]?.cause == .person)
        #expect(scene.runner.health().first?.pause?.reason == "ada: maintenance")
        #expect(try await scene.runner.resume("crm") == .stillPaused(Self.denied))
        verdict.withLock { $0 = .succeeded(nil) }
        #expect(try await scene.runner.resume("crm") == .resumed)
        #expect(try await scene.runner.resume("crm") == .notPaused)
        #expect(scene.journal.now.pauses.isEmpty)
        await #expect(throws: Failure.self) { try await scene.runner.resume("nowhere") }
        scene.journal.add(3)
        try await scene.play(until: Scene.allCompleted)
    }

    @Test func `resumes what the journal holds as paused, whatever came of the change that wrote it`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time, ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(3)
        // A commit that was reported as failed and is on the disk.
        try await scene.journal.setPause(
            Pause(cause: .person, reason: "r", since: Build.start), of: "crm", now: Build.start)
        #expect(try await scene.runner.resume("crm") == .resumed)
        #expect(scene.journal.now.pauses.isEmpty)
        try await scene.play(until: Scene.allCompleted)
    }

    @Test func `keeps a pause over a restart and calls nothing`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time, ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(3)
        try await scene.journal.setPause(
            Pause(cause: .person, reason: "r", since: Build.start), of: "crm", now: Build.start)
        let end = Build.start + .seconds(3600)
        scene.journal.state.withLock { $0.data["email"] = "x@example.com" }
        try await withThrowingTaskGroup { group in
            group.addTask { try await scene.runner.run() }
            while time.now < end { await Task.yield() }
            scene.runner.stop()
            try await group.waitForAll()
        }
        #expect(scene.connector.calls.isEmpty)
        #expect(scene.journal.ended(.available) == 3)
    }

    @Test func `spends nothing on a destination that asks for patience`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time) { number, _ in
                number <= 4
                    ? Report(.slowDown(Verdict.Trouble("http_429", "slow"), after: .seconds(30)), status: 429)
                    : Report(.succeeded(nil))
            })
        scene.journal.add(20)
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.calls.count == 24)
        #expect(scene.connector.calls[4].at >= scene.connector.calls[3].at + .seconds(30))
        #expect(scene.journal.now.rows.values.allSatisfy { $0.job.attempts == 0 })
    }

    @Test func `spares a destination that fails, tells people, and goes on when it is back`() async throws {
        let time = ManualTime()
        let back = Build.start + .seconds(600)
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time) { _, _ in
                time.now < back
                    ? Report(.transient(Self.boom, mayHaveHappened: false), status: 500) : Report(.succeeded(nil))
            })
        scene.journal.add(50)
        try await scene.play(until: { Scene.allCompleted($0) && $0.alerts.isEmpty })
        let failed = scene.connector.calls.count { $0.at < back }
        // Eight until it opens, then single calls after 5, 10, 20, 40 and each 60 seconds.
        #expect(failed >= 5 && failed <= 8 + 4 + 10)
        #expect(scene.journal.now.alertsTold == ["destination:crm:unreachable"])
    }

    @Test func `calls no destination unreachable that somebody has paused`() async throws {
        let time = ManualTime()
        let runner = Mutex<JobRunner?>(nil)
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time) { number, _ in
                if number == 5 { try? await runner.withLock { $0 }?.pause("crm", by: "ada: maintenance") }
                return Report(.transient(Self.boom, mayHaveHappened: false), status: 500)
            })
        runner.withLock { $0 = scene.runner }
        scene.journal.add(50)
        try await withThrowingTaskGroup { group in
            group.addTask { try await scene.runner.run() }
            while time.now < Build.start + .seconds(3600) { await Task.yield() }
            scene.runner.stop()
            try await group.waitForAll()
        }
        #expect(scene.runner.health().first?.breaker != .closed)
        #expect(scene.journal.now.pauses["crm"]?.cause == .person)
        #expect(scene.journal.now.alertsTold.isEmpty)
    }

    @Test func `looks for an effect that may have happened before it makes it again`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(.findable(lag: .seconds(60)), time: time) { number, _ in
                switch number {
                case 1: Report(.transient(Verdict.Trouble("timeout", "no answer"), mayHaveHappened: true))
                case 2: Report(.slowDown(Verdict.Trouble("http_429", "slow"), after: .seconds(1)))
                default: Report(.succeeded(ExternalRecord(kind: "note", id: "7")))
                }
            })
        scene.journal.add(1)
        try await scene.play(until: Scene.allCompleted)
        let calls = scene.connector.calls
        #expect(calls.map(\.approach) == [.first, .lookFirst, .lookFirst])
        #expect(Set(calls.map(\.body)).count == 1)
        #expect(calls[1].at >= calls[0].at + .seconds(60))
    }

    @Test func `repeats the same bytes under the same key`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(.keyed(lifetime: .seconds(7200), isFindableAfter: true), time: time) { number, _ in
                number < 4
                    ? Report(.transient(Verdict.Trouble("timeout", "no answer"), mayHaveHappened: number == 1))
                    : Report(.succeeded(nil))
            })
        scene.journal.add(1)
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.calls.map(\.approach) == [.first, .repeatWithKey, .repeatWithKey, .repeatWithKey])
        #expect(Set(scene.connector.calls.map(\.body)).count == 1)
        #expect(scene.journal.now.rows.values.first?.job.attempts == 3)
    }

    @Test func `holds what it cannot repeat safely where the flow says so`() async throws {
        let time = ManualTime()
        let scene = Scene(
            Build.settings(flow: Build.flow(onUnknown: .hold)), time: time,
            ScriptedConnector(.unsafe, time: time) { _, _ in
                Report(.transient(Verdict.Trouble("timeout", "no answer"), mayHaveHappened: true))
            })
        scene.journal.add(1)
        try await scene.play(until: { $0.rows.values.allSatisfy { $0.state == .held } })
        #expect(scene.connector.calls.count == 1)
    }

    @Test func `ends a burst for one lane in one call where the action sets a state`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(.upsert, isStateSetting: true, time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(20, lane: "subject")
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.calls.count == 1)
        #expect(scene.journal.now.rows.values.count { $0.note?.hasPrefix("superseded by tjb_") == true } == 19)
    }

    @Test func `works a lane in order, one at a time`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time,
            ScriptedConnector(time: time) { number, _ in
                number % 3 == 0
                    ? Report(.transient(Self.boom, mayHaveHappened: false)) : Report(.succeeded(nil))
            })
        scene.journal.add(12, lane: "subject")
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.mostUnderWay == 1)
        let order = scene.journal.now.rows.values.sorted { $0.position < $1.position }.map(\.job.effect)
        #expect(scene.connector.calls.map(\.key).reduce(into: []) { if $0.last != $1 { $0.append($1) } } == order)
    }

    @Test func `waits for a field and dies by its name when it never comes`() async throws {
        let time = ManualTime()
        let scene = Scene(
            time: time, ScriptedConnector(required: ["email"], time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.state.withLock { $0.data = [:] }
        scene.journal.add(1)
        try await scene.play(until: Scene.allEnded)
        #expect(scene.journal.ended(.dead) == 1)
        #expect(scene.connector.calls.isEmpty)
        #expect(scene.journal.now.attempts.map(\.end.errorClass) == ["missing_field"])
    }

    @Test func `ends jobs of a flow that is gone, and says so`() async throws {
        let time = ManualTime()
        let scene = Scene(
            Build.settings(flow: nil), time: time, ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.journal.add(2)
        try await scene.play(until: Scene.allEnded)
        #expect(scene.journal.now.attempts.map(\.end.errorClass) == ["flow_removed", "flow_removed"])
        #expect(scene.connector.calls.isEmpty)
    }

    @Test func `takes a reload over and forgets destinations that are gone`() async throws {
        let time = ManualTime()
        let scene = Scene(time: time, ScriptedConnector(time: time) { _, _ in Report(.succeeded(nil)) })
        scene.settings.replace(with: Build.settings(destination: Build.destination(concurrency: 1)))
        scene.runner.reload()
        #expect(scene.runner.health().map(\.concurrency) == [1])
        scene.journal.add(10)
        try await scene.play(until: Scene.allCompleted)
        #expect(scene.connector.mostUnderWay == 1)
        scene.settings.replace(with: Settings(product: "Acme"))
        scene.runner.reload()
        #expect(scene.runner.health().isEmpty)
        await #expect(throws: Failure.self) { try await scene.runner.pause("crm", by: "ada") }
    }
}
