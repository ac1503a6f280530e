import Model
import Supabase
import TestKit
import Testing

/// A table of a product, tied to an event type by the migration that the command prints.
@Suite(.enabled(if: SupabaseProject.isInstalled, "Postgres is not installed"))
struct `An attached table` {
    private let project: SupabaseProject

    init() async throws { project = try await SupabaseProject() }

    /// What waits in the inbox, the oldest first.
    private func events() async throws -> [JSONValue] {
        let lines = try await project.run(
            "select payload from throughline.inbox order by position", as: "supabase_admin")
        return try lines.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    }

    private func attach(_ attachment: TableAttachment) async throws {
        let catalogue = EventCatalogue()
        #expect(attachment.problems(in: catalogue) == [])
        try await project.run(AttachmentSQL.attach(attachment, catalogue: catalogue))
    }

    private func makeLeads() async throws {
        try await project.run(
            """
            create table leads (
                id uuid primary key default gen_random_uuid(), email text, full_name text, chat text, stage text,
                score numeric, notes jsonb, raw json, created_at timestamptz default now(), version int default 1);
            grant insert on leads to anon;
            """)
    }

    private let leads = TableAttachment(
        table: TableName(schema: "public", name: "leads"), type: .leadCaptured,
        fields: [.init(name: "email", column: "email"), .init(name: "name", column: "full_name")], session: "chat")

    @Test func `tells a new row, as whoever may write it`() async throws {
        try await makeLeads()
        try await attach(leads)
        try await project.run(
            """
            set role anon;
            insert into leads (id, email, full_name, chat)
            values ('00000000-0000-0000-0000-000000000001', 'ada@example.com', 'Ada O''Hara', 'sess_81');
            """)
        let event = try #require(try await events().first)
        #expect(event["type"] == "lead_captured" && event["session"] == "sess_81")
        #expect(event["data"] == ["email": "ada@example.com", "name": "Ada O'Hara"])
        let id = try #require(event["id"]?.string)
        #expect(id.hasPrefix("lead_captured:public.leads:00000000-0000-0000-0000-000000000001:"))
        #expect(event["occurred_at"]?.string.flatMap { Instant(rfc3339: $0) } != nil)
    }

    @Test func `keeps the event and the row together, or neither`() async throws {
        try await makeLeads()
        try await attach(leads)
        try await project.run("begin; insert into leads (email) values ('a@example.com'); rollback;")
        try await project.run(
            """
            begin; insert into leads (email) values ('kept@example.com'); savepoint one;
            insert into leads (email) values ('lost@example.com'); rollback to savepoint one; commit;
            """)
        #expect(try await events().map { $0["data"]?["email"] } == ["kept@example.com"])
        #expect(try await project.run("select count(*) from leads") == "1")
    }

    @Test func `tells changes of the chosen columns only, and a row's end`() async throws {
        try await makeLeads()
        var attachment = leads
        attachment.changes = RowChanges(update: .columns(["stage", "raw"]), delete: true)
        try await attach(attachment)
        try await project.run(
            """
            insert into leads (email, stage, raw) values ('a@example.com', 'new', '{"a": 1}');
            update leads set full_name = 'Ada', stage = stage, raw = raw;
            """)
        #expect(try await events().isEmpty)
        try await project.run("update leads set stage = 'won'; update leads set raw = '{\"a\": 2}'; delete from leads;")
        let ids = try await events().compactMap { $0["id"]?.string }
        #expect(Set(ids).count == 3)
        #expect(ids.map { $0.hasSuffix(":deleted") } == [false, false, true])
        #expect(try await events().allSatisfy { $0["data"]?["email"] == "a@example.com" })
    }

    @Test func `tells each of several changes in one transaction, in their order`() async throws {
        try await makeLeads()
        var attachment = leads
        attachment.changes = RowChanges(insert: true, update: .carried, delete: true)
        try await attach(attachment)
        try await project.run(
            """
            begin; insert into leads (id, email) values ('00000000-0000-0000-0000-000000000001', 'a@example.com');
            update leads set email = 'b@example.com'; update leads set email = 'a@example.com'; delete from leads;
            insert into leads (id, email) values ('00000000-0000-0000-0000-000000000001', 'a@example.com'); commit;
            """)
        #expect(
            try await events().map { $0["data"]?["email"] }
                == ["a@example.com", "b@example.com", "a@example.com", "a@example.com", "a@example.com"])
    }

    @Test func `tells one version of a row once`() async throws {
        try await makeLeads()
        var attachment = leads
        attachment.changes = RowChanges(insert: true, update: .columns(["version", "stage"]), delete: true)
        attachment.version = "version"
        try await attach(attachment)
        try await project.run(
            """
            insert into leads (id, email) values ('00000000-0000-0000-0000-000000000001', 'a@example.com');
            update leads set stage = 'same version';
            update leads set version = 2;
            update leads set version = 1; delete from leads;
            """)
        let prefix = "lead_captured:public.leads:00000000-0000-0000-0000-000000000001:"
        #expect(try await events().compactMap(\.["id"]?.string) == ["1", "2", "1:deleted"].map { prefix + $0 })
    }

    @Test func `writes each kind of value as the event's fields want it`() async throws {
        try await project.run(
            """
            create table bookings (
                tenant int, number bigint, ticket int, at timestamptz, day date, local timestamp, paid boolean,
                total bigint, who uuid, tags text[], extra jsonb, primary key (tenant, number));
            """)
        let columns = [
            ("reference", "ticket"), ("starts_at", "at"), ("day", "day"), ("local", "local"), ("paid", "paid"),
            ("total", "total"), ("who", "who"), ("tags", "tags"), ("extra", "extra"), ("missing", "extra"),
        ]
        var attachment = TableAttachment(
            table: TableName(schema: "public", name: "bookings"), type: .bookingConfirmed,
            fields: columns.dropLast().map { .init(name: $0.0, column: $0.1) }, key: ["tenant", "number"], user: "who",
            occurredAt: "local")
        attachment.fixed = [.init(name: "kind", value: "demo")]
        try await attach(attachment)
        try await project.run(
            """
            set timezone = 'America/New_York'; set datestyle = 'German';
            insert into bookings values (7, 9007199254740993, 12, '2026-11-23 10:00:00+02', '2026-11-24',
                '2026-11-23 10:00:00.5', true, 4900, '00000000-0000-0000-0000-000000000002', '{a,"b c"}', '{"n": [1, null]}');
            insert into bookings (tenant, number, ticket) values (7, 8, null);
            """)
        let told = try await events()
        let event = try #require(told.first)
        #expect(
            event["id"]?.string?.hasPrefix(#"booking_confirmed:public.bookings:["7", "9007199254740993"]:"#) == true)
        #expect(event["user"] == "00000000-0000-0000-0000-000000000002")
        #expect(event["occurred_at"] == "2026-11-23T10:00:00.5Z")
        #expect(
            event["data"] == [
                "reference": "12", "starts_at": "2026-11-23T08:00:00+00:00", "day": "2026-11-24",
                "local": "2026-11-23T10:00:00.5", "paid": true, "total": 4900,
                "who": "00000000-0000-0000-0000-000000000002", "tags": ["a", "b c"], "extra": ["n": [1, nil]],
                "kind": "demo",
            ])
        let shape = try #require(EventCatalogue()[.bookingConfirmed])
        #expect(throws: Never.self) { try shape.checked(event["data"]?.object ?? [:]) }
        #expect(told.count == 2, "a row without the values is no reason to refuse the row")
    }

    @Test func `never refuses a row for what stands in it`() async throws {
        try await makeLeads()
        var attachment = leads
        attachment.changes = RowChanges(insert: true, update: .columns(["raw", "score"]))
        attachment.fields.append(.init(name: "raw", column: "raw"))
        attachment.fields.append(.init(name: "score", column: "score"))
        try await attach(attachment)
        let odd = [
            #"{"a": "x\u0000y", "b": "\\u0000", "c": "\ud800", "d": "\ud83d\ude00"}"#, #""\u0000""#, "[1.5e3]", "null",
        ]
        for raw in odd { try await project.run("insert into leads (email, raw) values ('a@example.com', '\(raw)')") }
        try await project.run("update leads set score = 'NaN'; insert into leads (email) values (repeat('x', 300000))")
        let told = try await events()
        #expect(told.count == odd.count * 2 + 1)
        #expect(told.first?["data"]?["raw"] == ["a": "xy", "b": #"\u0000"#, "c": "", "d": "😀"])
    }

    @Test func `may have any name, and so may its columns`() async throws {
        let schema = #"it's "my" schema"#
        let (table, column, key) = (#"Leads; drop table x;--"#, #"E "mail" $check$"#, #"I'D"#)
        func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
        let full = "\(quoted(schema)).\(quoted(table))"
        try await project.run(
            "create schema \(quoted(schema)); create table \(full) (\(quoted(key)) text primary key, \(quoted(column)) text)"
        )
        try await attach(
            TableAttachment(
                table: TableName(schema: schema, name: table), type: .leadCaptured,
                changes: RowChanges(insert: true, update: .carried, delete: true),
                fields: [.init(name: "email", column: column)], key: [key]))
        let long = String(repeating: "é", count: 200)
        try await project.run(
            """
            insert into \(full) values ('a'':b', 'ada@example.com'), ('\(long)', 'eve@example.com');
            update \(full) set \(quoted(column)) = 'bob@example.com'; delete from \(full);
            """)
        let told = try await events()
        #expect(told.count == 6)
        #expect(told[0]["id"]?.string?.hasPrefix("lead_captured:\(schema).\(table):a':b:") == true)
        #expect(told[1]["id"]?.string?.hasPrefix("row:") == true, "an id that would be too long is a digest")
        #expect(told.allSatisfy { ($0["id"]?.string?.utf8.count ?? 0) <= Limits.idLengthMax })
    }

    @Test func `is left alone when its migration finds that it cannot work`() async throws {
        try await makeLeads()
        try await project.run("create table keyless (email text); create view seen as select * from leads")
        var unknownColumn = leads
        unknownColumn.fields[0].column = "mail"
        var wrongKey = leads
        wrongKey.key = ["email"]
        let keyless = TableAttachment(
            table: TableName(schema: "public", name: "keyless"), type: .leadCaptured,
            fields: [.init(name: "email", column: "email")], key: ["email"])
        var view = leads
        view.table.name = "seen"
        var missing = leads
        missing.table.name = "nowhere"
        for (attachment, words) in [
            (unknownColumn, "has no column mail"), (wrongKey, "do not tell one row"), (keyless, "do not tell one row"),
            (view, "There is no table"), (missing, "There is no table"),
        ] {
            let error = await #expect(throws: PostgresTrouble.self) { try await attach(attachment) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
        #expect(try await project.run("select count(*) from pg_trigger where not tgisinternal") == "0")
    }

    @Test func `is the same after it was attached twice, and as before after it was detached`() async throws {
        try await makeLeads()
        let before = try await project.run(
            "select tgname from pg_trigger where not tgisinternal; select relacl from pg_class where relname = 'leads'")
        var wide = leads
        wide.changes = RowChanges(insert: true, update: .carried, delete: true)
        try await attach(wide)
        try await attach(leads)
        try await attach(leads)
        try await project.run("insert into leads (email) values ('a@example.com'); delete from leads")
        #expect(try await events().count == 1, "the narrower one took the wider one's place")
        try await project.run(AttachmentSQL.detach(leads.table, type: leads.type))
        try await project.run(AttachmentSQL.detach(leads.table, type: leads.type))
        try await project.run("insert into leads (email) values ('a@example.com')")
        #expect(try await events().count == 1)
        let after = try await project.run(
            "select tgname from pg_trigger where not tgisinternal; select relacl from pg_class where relname = 'leads'")
        #expect(after == before)
    }

    @Test func `can be tied to several types`() async throws {
        try await makeLeads()
        try await attach(leads)
        try await attach(
            TableAttachment(
                table: leads.table, type: .supportEscalated, changes: RowChanges(update: .columns(["stage"])),
                fields: [.init(name: "message", column: "stage")], session: "chat"))
        try await project.run("insert into leads (email) values ('a@example.com'); update leads set stage = 'help!'")
        #expect(try await events().map { $0["type"] } == ["lead_captured", "support_escalated"])
    }
}
