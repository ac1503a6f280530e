import Journal
import Model
import TestKit
import Testing

@testable import Trail

@Suite struct `A trail` {
    private func journal() -> FakeJournal {
        let journal = FakeJournal()
        journal.set { state in
            let ada = SubjectStory(
                root: Make.id(1),
                identifiers: [
                    SubjectIdentifier(.email, "ada@example.com", .claimed), SubjectIdentifier(.user, "u_12", .proven),
                ], records: [])
            state.stories = ["ada@example.com": [ada]]
            let record = ExternalRecord(kind: "contact", id: "512", url: "https://crm.example/512")
            state.story = Story(
                events: [Make.event()],
                decisions: [
                    Decision(
                        event: Make.id(1), subject: Make.id(1), at: Make.after(12), flow: "new-lead",
                        call: "crm.upsert_contact", outcome: .planned, job: Make.id(1))
                ], jobs: [Make.job()],
                attempts: [
                    AttemptRow(
                        job: Make.id(1), token: 1, startedAt: Make.after(20),
                        end: AttemptEnd(
                            outcome: .transient, endedAt: Make.after(40), durationMilliseconds: 20, status: 500,
                            errorClass: "http_500", error: "try\u{1B}[2J\nlater")),
                    AttemptRow(
                        job: Make.id(1), token: 2, startedAt: Make.after(240),
                        end: AttemptEnd(
                            outcome: .succeeded, endedAt: Make.after(252), durationMilliseconds: 12, status: 200)),
                ], records: [LinkedRecord(destination: "crm", record: record, job: Make.id(1), at: Make.after(252))],
                isCut: false)
        }
        return journal
    }

    @Test func `tells everything of one subject in time order`() async throws {
        let trail = try #require(try await TrailReader(journal: journal()).trail(of: "ada@example.com"))
        #expect(trail.items.map(\.kind) == [.event, .decision, .job, .attempt, .attempt, .record])
        #expect(trail.items.map(\.state) == ["planned", "planned", "completed", "transient", "succeeded", nil])
        #expect(trail.items.last?.id == "512")
    }

    @Test func `has the documented members, null where they do not apply`() async throws {
        let json = try #require(try await TrailReader(journal: journal()).trail(of: "ada@example.com")).json
        #expect(json["query"] == "ada@example.com")
        #expect(json["subjects"]?.array?.first?["identifiers"]?.array?.count == 2)
        let names: Set = ["at", "kind", "id", "type", "source", "destination", "state", "duration_ms", "detail"]
        for item in json["items"]?.array ?? [] { #expect(names.isSubset(of: Set(item.object?.keys ?? []))) }
        #expect(json["items"]?.array?.first?["duration_ms"] == .null)
        #expect(json["items"]?.array?[2]["duration_ms"] == 240)
    }

    @Test func `is nil where nothing answers to the id`() async throws {
        #expect(try await TrailReader(journal: journal()).trail(of: "nobody") == nil)
    }

    @Test func `shows an event that is not planned yet`() async throws {
        let journal = journal()
        journal.set { $0.pending = [EventRow(event: Make.event(9).event, subject: nil, isPending: true)] }
        let trail = try #require(try await TrailReader(journal: journal).trail(of: "lead-9"))
        #expect(trail.subjects.isEmpty && trail.items.map(\.state) == ["pending"])
        #expect(TrailText.render(trail, width: 80, isColour: false).contains("not planned yet"))
    }

    @Test(arguments: 1...50) func `orders one moment event, decision, job, attempt, record`(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let items = (0..<40).map { number in
            TrailItem(
                at: Make.after(Int64.random(in: 0...3, using: &generator)),
                kind: TrailItem.Kind.allCases.randomElement(using: &generator) ?? .event, id: String(number), type: "t")
        }
        let ordered = TrailReader.ordered(items)
        for (first, second) in zip(ordered, ordered.dropFirst()) {
            let ranks = [first, second].map { TrailItem.Kind.allCases.firstIndex(of: $0.kind) ?? 0 }
            #expect(
                (first.at.milliseconds, ranks[0], Int(first.id) ?? 0) < (
                    second.at.milliseconds, ranks[1], Int(second.id) ?? 0
                ),
                "seed \(seed)")
        }
    }

    @Test func `looks like this in a terminal`() async throws {
        let trail = try #require(try await TrailReader(journal: journal()).trail(of: "ada@example.com"))
        let text = TrailText.render(trail, width: 200, isColour: false)
        #expect(
            text == """
                Trail of ada@example.com
                  \(Make.id(1, SubjectTag.self))
                    email ada@example.com  (claimed)
                    user u_12

                2026-11-23
                10:00:00.000  ● lead_captured from chat  \(Make.id(1, EventTag.self))  lead-1
                10:00:00.012    ◇ new-lead  planned  crm.upsert_contact
                10:00:00.012    ▶ crm.upsert_contact  completed  in 240 ms  \(Make.id(1, JobTag.self))  flow new-lead
                10:00:00.020        · attempt 1  transient  in 20 ms  HTTP 500, http_500, try [2J later
                10:00:00.240        · attempt 2  succeeded  in 12 ms  HTTP 200
                10:00:00.252        ◆ crm contact 512  https://crm.example/512

                """)
    }

    @Test func `keeps its lines within the terminal, and its colours off where none is wanted`() async throws {
        let trail = try #require(try await TrailReader(journal: journal()).trail(of: "ada@example.com"))
        let plain = TrailText.render(trail, width: 50, isColour: false)
        #expect(plain.split(separator: "\n").allSatisfy { $0.count <= 50 })
        #expect(!plain.contains("\u{1B}"))
        #expect(TrailText.render(trail, width: 50, isColour: true).contains("\u{1B}[32m"))
    }

    @Test(
        arguments: [
            (240, "240 ms"), (2400, "2.4 s"), (185_000, "3 min 5 s"), (7_800_000, "2 h 10 min"),
            (273_600_000, "3 d 4 h"),
        ] as [(Int64, String)])
    func `says durations as people do`(milliseconds: Int64, text: String) {
        #expect(TrailText.duration(milliseconds) == text)
    }
}
