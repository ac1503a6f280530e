import API
import Journal
import Model
import TestKit
import Testing

@Suite struct `The tail` {
    private func house(_ changes: [Change] = []) async throws -> House {
        let house = try await House()
        house.journal.set { $0.changesMade = changes }
        return house
    }

    private func change(_ number: Int64, _ what: Change.What) -> Change {
        Change(
            what, at: Make.after(number),
            cursor: ChangeCursor(event: number, job: 0, endedAt: Instant(milliseconds: 0)))
    }

    private var all: [Change] {
        [
            change(1, .event(Make.event(1))), change(2, .event(Make.event(2, type: .supportEscalated))),
            change(3, .job(Make.job(1))),
        ]
    }

    /// The stream's lines, up to its end at once: the server stops as soon as all was told.
    private func lines(_ house: House, _ path: String, headers: [String: String] = [:]) async throws -> [String] {
        let reply = try await withThrowingTaskGroup(of: House.Reply?.self) { group in
            group.addTask { try await house.send("GET", path, key: "read", headers: headers) }
            group.addTask {
                // On the manual clock the stream goes round without waiting.
                while house.time.uptime < .milliseconds(Make.at.milliseconds) + .seconds(30) { await Task.yield() }
                house.readiness.close("the server is shutting down")
                return nil
            }
            var reply: House.Reply?
            for try await one in group { reply = one ?? reply }
            return try #require(reply)
        }
        #expect(reply.status == 200, "\(reply.text)")
        return reply.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func kinds(_ lines: [String]) throws -> [String] {
        try lines.filter { !$0.isEmpty }.map { try JSONObject(parsing: Array($0.utf8))["kind"]?.string ?? "" }
    }

    @Test func `tells what happened after its cursor, that nothing happens, and its end`() async throws {
        let lines = try await lines(try await house(all), "/v1/tail?cursor=1.0.0.0")
        let kinds = try kinds(lines)
        #expect(kinds.prefix(3) == ["idle", "event", "job"])
        #expect(kinds.last == "end" && kinds.dropFirst(3).dropLast().allSatisfy { $0 == "idle" })
        #expect((3...7).contains(kinds.count { $0 == "idle" }), "one in five seconds: \(kinds)")
        let event = try JSONObject(parsing: Array(lines[1].utf8))
        #expect(event["event"]?["type"] == "support_escalated" && event["cursor"]?.string == "2.0.0.0")
        #expect(event["at"]?.string == Make.after(2).description)
    }

    @Test(arguments: [
        ("type=lead_captured", ["event"]), ("source=chat", ["event", "event"]), ("source=other", []),
        ("destination=crm", ["job"]), ("destination=desk", []),
    ])
    func `tells only what is asked for`(query: String, kinds: [String]) async throws {
        let lines = try await lines(try await house(all), "/v1/tail?cursor=0.0.0.0&\(query)")
        #expect(try self.kinds(lines).filter { $0 != "idle" && $0 != "end" } == kinds)
    }

    @Test func `speaks server-sent events to who asks for them, and goes on from the last`() async throws {
        let lines = try await lines(
            try await house(all), "/v1/tail", headers: ["accept": "text/event-stream", "last-event-id": "2.0.0.0"])
        let start = try #require(lines.firstIndex(of: "event: job"))
        #expect(lines[start - 1] == "id: 3.0.0.0")
        #expect(lines[start + 1].hasPrefix("data: {") && lines[start + 2].isEmpty)
        #expect(!lines.contains("event: event"))
    }

    @Test func `refuses a cursor that is none`() async throws {
        for text in ["12", "a.b.c.d", "1.2.3.-4"] {
            let reply = try await house().send("GET", "/v1/tail?cursor=\(text)", key: "read")
            #expect(reply.status == 400 && reply.json["error"]?["field"] == "cursor", "\(text)")
        }
    }

    @Test func `has places for so many, and a place is free again when its follower leaves`() async throws {
        let house = try await house()
        var places = (0..<Followers.countMax).compactMap { house.dependencies.followers.enter("\($0)") }
        #expect(places.count == Followers.countMax)
        let own = Followers()
        #expect((0..<Followers.countMax).compactMap { _ in own.enter("one") }.count == Followers.ownerMax)
        let reply = try await house.send("GET", "/v1/tail", key: "read")
        #expect(reply.status == 503 && reply.header("retry-after") != nil)
        places.removeLast()
        house.readiness.close("stopping")
        #expect(try await house.send("GET", "/v1/tail", key: "read").status == 200)
        #expect(house.dependencies.followers.count == Followers.countMax - 1)
    }

    @Test func `tells of attempts that will be followed by another`() async throws {
        let house = try await house()
        house.journal.set { $0.jobs = [Make.job(7, state: .retryable, error: "500 from the destination")] }
        async let told = lines(house, "/v1/tail")
        while house.dependencies.followers.count == 0 { await Task.yield() }
        house.dependencies.followers.attempted(Make.id(7))
        let jobs = try await told.filter { $0.contains("\"kind\":\"job\"") }
        #expect(jobs.count == 1 && jobs.first?.contains("retryable") == true)
    }
}
