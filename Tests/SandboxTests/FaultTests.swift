import Model
import Sandbox
import Seams
import TestKit
import Testing

@Suite struct `A sandbox with faults` {
    private let standIns = StandInSet.usual()
    private let time = ManualTime()
    private let message = OutboundRequest(
        method: "POST", url: "https://hooks.slack.com/services/T00000000/B00000000/sandbox",
        headers: [.init("content-type", "application/json")], body: Array(#"{"text":"hello"}"#.utf8),
        timeout: .seconds(5))

    private var messages: Int { standIns.state(of: "slack", as: SlackStandIn.self)?.messages.count ?? -1 }

    private func send() async -> Result<InboundResponse, TransportError> {
        do throws(TransportError) {
            return .success(try await SandboxTransport(standIns, time: time).send(message))
        } catch { return .failure(error) }
    }

    @Test func `carries a call to the stand-in of its address`() async {
        #expect((try? await send().get().text) == "ok")
        #expect(messages == 1)
        #expect(standIns.calls(of: "slack") == ["POST /services/T00000000/B00000000/sandbox 200": 1])
    }

    @Test func `loses a call before its effect`() async {
        standIns.setFaults([.before(.reset).times(1)], for: "slack")
        await #expect(throws: TransportError.self) { try await send().get() }
        #expect(messages == 0)
        #expect((try? await send().get().status) == 200)
    }

    @Test func `loses an answer after the effect, and the caller waits its whole time for a silent one`() async {
        standIns.setFaults([.after(.timeout)], for: "slack")
        let before = time.uptime
        guard case .failure(let error) = await send() else {
            Issue.record("an answer came")
            return
        }
        #expect(error.kind == .timeout)
        #expect(error.mayHaveArrived)
        #expect(time.uptime - before == .seconds(5))
        #expect(messages == 1)
    }

    @Test func `answers what it is told for as many calls as it is told`() async {
        standIns.setFaults([.status(503, retryAfter: .seconds(3)).times(2)], for: "slack")
        for _ in 1...2 {
            let answer = try? await send().get()
            #expect(answer?.status == 503)
            #expect(answer?.header("retry-after") == "3")
        }
        #expect((try? await send().get().status) == 200)
        #expect(messages == 1)
    }

    @Test func `answers slowly, and too slowly only where the caller has no more time`() async {
        standIns.setFaults([.slow(.seconds(2))], for: "slack")
        let before = time.uptime
        #expect((try? await send().get().status) == 200)
        #expect(time.uptime - before == .seconds(2))
        standIns.setFaults([.slow(.seconds(2)), .slow(.seconds(4))], for: "slack")
        await #expect(throws: TransportError.self) { try await send().get() }
        #expect(messages == 2)
    }

    @Test func `breaks an answer off`() async {
        standIns.setFaults([.truncated(to: 1)], for: "slack")
        guard case .failure(let error) = await send() else {
            Issue.record("a whole answer came")
            return
        }
        #expect(error.kind == .broken)
        #expect(messages == 1)
    }

    @Test func `hits only the calls and the time that the fault names`() async {
        standIns.setFaults([.status(401).until(time.now + .seconds(60))], for: "slack")
        #expect((try? await send().get().status) == 401)
        time.advance(by: .seconds(60))
        #expect((try? await send().get().status) == 200)
        standIns.setFaults([.status(500).on("GET"), .status(500).on(nil, "/other")], for: "slack")
        #expect((try? await send().get().status) == 200)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `fails the same calls for the same seed`(seed: UInt64) {
        func run() -> [Int] {
            let standIns = StandInSet(["slack": SlackStandIn(burst: 1000)])
            standIns.setFaults([.status(500).share(0.3)], seed: seed, for: "slack")
            return (0..<200).compactMap { _ in
                guard case .answer(let answer, _) = standIns.receive(message, for: "slack", at: start) else {
                    return nil
                }
                return answer.status
            }
        }
        let first = run()
        #expect(first == run(), "seed \(seed)")
        let failed = first.count { $0 == 500 }
        #expect((25...100).contains(failed), "seed \(seed): \(failed) of 200")
    }

    @Test func `knows nobody at other addresses`() async {
        let request = OutboundRequest(method: "GET", url: "https://api.hubapi.com.evil.example/")
        await #expect(throws: TransportError.self) { try await SandboxTransport(standIns, time: time).send(request) }
    }

    @Test func `begins anew after a reset`() async {
        _ = await send()
        standIns.setFaults([.status(500)], for: "slack")
        standIns.reset()
        #expect(messages == 0)
        #expect(standIns.calls(of: "slack").isEmpty)
        #expect((try? await send().get().status) == 200)
    }

    @Test func `reads faults as they are sent to it`() throws {
        let fault = try Fault(
            [
                "fault": "status", "status": 429, "retry_after_ms": 2000, "times": 3, "share": 0.5, "method": "POST",
                "path": "/api", "for_ms": 1000,
            ], at: start)
        #expect(
            fault
                == .status(429, retryAfter: .seconds(2)).times(3).share(0.5).on("POST", "/api")
                .until(start + .seconds(1)))
        #expect(try Fault(["fault": "after_reset"], at: start) == .after(.reset))
        #expect(throws: Failure.self) { try Fault(["fault": "status", "status": 9], at: start) }
        #expect(throws: Failure.self) { try Fault(["fault": "explode"], at: start) }
        #expect(throws: Failure.self) { try Fault(["fault": "slow", "delay_ms": 1, "share": 2], at: start) }
    }
}
