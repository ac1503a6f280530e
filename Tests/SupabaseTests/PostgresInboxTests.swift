import Journal
import JournalPostgres
import Model
import Seams
import Synchronization
import TestKit
import Testing

@Suite(.enabled(if: SupabaseProject.isInstalled, "Postgres is not installed"))
struct `Draining the inbox` {
    private let project: SupabaseProject

    init() async throws { project = try await SupabaseProject() }

    private func inbox(as role: String = "throughline_worker") throws -> PostgresInbox {
        try PostgresInbox(source: "app", url: Redacted(project.url(as: role)), time: SystemTime())
    }

    private func accept(_ ids: some Sequence<Int>) async throws {
        try await project.run(ids.map { "select throughline.accept('{\"id\": \"\($0)\"}');" }.joined())
    }

    private func left() async throws -> Int {
        Int(try await project.run("select count(*) from throughline.inbox")) ?? -1
    }

    private static func id(_ row: InboxRow) -> String? {
        (try? JSONValue(parsing: row.payload))?["id"]?.string  // What is no JSON has no id.
    }

    @Test func `takes the oldest first and deletes what was taken`() async throws {
        try await accept(1...5)
        let inbox = try inbox()
        let seen = Mutex<[String?]>([])
        for expected in [2, 2, 1, 0] {
            let count = try await inbox.drain(limit: 2) { rows in
                seen.withLock { $0 += rows.map(Self.id) }
                return rows.map { _ in .taken }
            }
            #expect(count == expected)
        }
        #expect(seen.withLock { $0 } == ["1", "2", "3", "4", "5"])
        #expect(try await left() == 0)
    }

    @Test func `leaves all rows where it is not told what became of them`() async throws {
        try await accept(1...3)
        let inbox = try inbox()
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await inbox.drain(limit: 10) { _ in throw Broken() } }
        await #expect(throws: Failure.self) { try await inbox.drain(limit: 10) { _ in [] } }
        #expect(try await left() == 3)
        #expect(try await inbox.drain(limit: 10) { $0.map { _ in .taken } } == 3, "it goes on after that")
    }

    @Test func `gives each row to one of two drains`() async throws {
        try await accept(1...6)
        let (first, second) = (try inbox(), try inbox())
        let seen = Mutex<[String?]>([])
        let count = try await first.drain(limit: 3) { rows in
            seen.withLock { $0 += rows.map(Self.id) }
            let others = try await second.drain(limit: 10) { rows in
                seen.withLock { $0 += rows.map(Self.id) }
                return rows.map { _ in .taken }
            }
            #expect(others == 3)
            return rows.map { _ in .taken }
        }
        #expect(count == 3)
        #expect(seen.withLock { $0.compactMap { $0 }.sorted() } == ["1", "2", "3", "4", "5", "6"])
    }

    @Test func `holds what cannot be used, with its reason, and goes on with the rest`() async throws {
        try await accept(1...3)
        let inbox = try inbox()
        let verdict: @Sendable (InboxRow) -> InboxVerdict = { Self.id($0) == "2" ? .held(reason: "it's odd") : .taken }
        #expect(try await inbox.drain(limit: 10) { $0.map(verdict) } == 3)
        #expect(try await inbox.drain(limit: 10) { $0.map(verdict) } == 0, "not looked at again at once")
        #expect(
            try await project.run(
                "select id, attempts, reason, due_at > now() + interval '10 seconds' from throughline.inbox")
                == "2|1|it's odd|t")
        let figures = try await inbox.figures()
        #expect(figures.waiting == 1 && figures.held == 1 && figures.oldestAcceptedAt == nil)
        try await project.run("update throughline.inbox set due_at = now()")
        #expect(try await inbox.drain(limit: 10) { $0.map { _ in .taken } } == 1, "and again when it is due")
        try await accept([4])
        #expect(try await inbox.figures().oldestAcceptedAt != nil)
    }

    @Test func `takes no more at once than it may hold, and of a giant row only the beginning`() async throws {
        try await project.run(
            """
            insert into throughline.inbox (id, payload) select n::text, repeat('x', 1048576) from generate_series(1, 6) n;
            insert into throughline.inbox (id, payload) values ('giant', repeat('é', 1000000));
            """)
        let inbox = try inbox()
        let sizes = Mutex<[[Int]]>([])
        var count = 1
        while count > 0 {
            count = try await inbox.drain(limit: 100) { rows in
                sizes.withLock { $0.append(rows.map { $0.isCut ? -$0.payload.count : $0.payload.count }) }
                return rows.map { _ in .taken }
            }
        }
        let whole = Limits.deliverySizeMax
        #expect(sizes.withLock { $0 } == [[whole, whole, whole, whole], [whole, whole, -65_536]])
    }

    @Test func `hands over a delivery as it was accepted`() async throws {
        try await project.run(
            """
            select throughline.accept('{ "é":"\\u0000" }', 'stripe', '{"stripe-signature": "t=1,v1=00", "odd": 1}')
            """)
        let rows = Mutex<[InboxRow]>([])
        _ = try await inbox().drain(limit: 1) { found in
            rows.withLock { $0 = found }
            return found.map { _ in .taken }
        }
        let row = try #require(rows.withLock { $0.first })
        #expect(row.source == "stripe" && row.payload == Array(#"{ "é":"\u0000" }"#.utf8))
        #expect(row.headers == [.init(name: "stripe-signature", value: "t=1,v1=00")])
        let age = SystemTime().now - row.acceptedAt
        #expect(age > .seconds(-60) && age < .seconds(60))
    }

    @Test func `is woken by what is written`() async throws {
        let inbox = try inbox()
        _ = try await inbox.drain(limit: 1) { _ in [] }
        try await accept([1])
        // Without the hint this would outlast the test's patience.
        try await inbox.wait(upTo: .seconds(600))
        #expect(try await inbox.drain(limit: 1) { $0.map { _ in .taken } } == 1)
    }

    @Test(arguments: [
        ("postgresql://w:p@db.acme.example:5432/postgres", true),
        ("postgresql://db.acme.example/x?connect_timeout=3", true),
        ("postgresql://db.acme.example/x?sslmode=disable", false), ("postgresql://127.0.0.1/x", false),
        ("postgresql:///x?host=/run/postgresql", false), ("postgresql://localhost/x?sslmode=verify-full", true),
    ])
    func `asks another machine for TLS`(url: String, isAsked: Bool) throws {
        #expect(try PostgresInbox.requiresTLS(url) == isAsked)
    }

    @Test func `can be asked without taking anything`() async throws {
        try await accept(1...3)
        let inbox = try inbox()
        try await inbox.probe()
        #expect(try await left() == 3)
        #expect(try await inbox.drain(limit: 10) { $0.map { _ in .taken } } == 3)
    }

    @Test func `says what is wrong with a database`() async throws {
        for (role, words) in [("throughline_ingest", "may not drain"), ("throughline_reader", "may not drain")] {
            try await project.run("alter role \(role) login", as: "supabase_admin")
            let inbox = try inbox(as: role)
            let probed = await #expect(throws: Failure.self) { try await inbox.probe() }
            #expect(probed?.message.contains(words) == true, "\(probed?.message ?? "")")
            let error = await #expect(throws: Failure.self) { try await inbox.drain(limit: 1) { _ in [] } }
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        try await project.run("drop schema throughline cascade")
        let empty = try inbox()
        let error = await #expect(throws: Failure.self) { try await empty.drain(limit: 1) { _ in [] } }
        #expect(error?.message.contains("throughline init --supabase") == true)
        let nowhere = try PostgresInbox(
            source: "app", url: Redacted("postgresql://worker:secret@127.0.0.1:1/x"), time: SystemTime())
        let away = await #expect(throws: Failure.self) { try await nowhere.drain(limit: 1) { _ in [] } }
        #expect(away?.code == .unavailable && away?.debugDescription.contains("secret") == false)
        let wrong = #expect(throws: Failure.self) {
            try PostgresInbox(source: "app", url: Redacted("mysql://secret"), time: SystemTime())
        }
        #expect(wrong?.field == "sources.app.url" && wrong?.debugDescription.contains("secret") == false)
    }
}
