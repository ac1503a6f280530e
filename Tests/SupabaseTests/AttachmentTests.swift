import Foundation
import Model
import Supabase
import TestKit
import Testing

@Suite struct `An attachment` {
    private let leads = TableAttachment(
        table: TableName(schema: "public", name: "leads"), type: .leadCaptured,
        fields: [.init(name: "email", column: "email")])

    @Test func `is sound when every event of it would be`() {
        #expect(leads.problems(in: EventCatalogue()) == [])
    }

    typealias Change = @Sendable (inout TableAttachment) -> Void
    private static let flaws: [(Change, String)] = [
        ({ $0.type = EventType("lead_capturd") }, #"did you mean "lead_captured"?"#),
        ({ $0.fields = [] }, "--map email=COLUMN"),
        ({ $0.changes = RowChanges() }, "--on"),
        ({ $0.key = [] }, "--key"),
        ({ $0.fields.append($0.fields[0]) }, "twice"),
        ({ $0.fixed = [.init(name: "email", value: "no address")] }, "data.email"),
        ({ ($0.type, $0.fields) = (.chatStarted, []) }, "--session"),
        ({ ($0.type, $0.fields) = (.paymentRefunded, []) }, "one of: payment, charge"),
        ({ $0.fields[0].column = String(repeating: "x", count: 64) }, "63 bytes"),
        ({ $0.fields[0].column = "a\nb" }, "control characters"),
    ]

    @Test(arguments: flaws.indices)
    func `is refused with what to do`(index: Int) {
        let (change, words) = Self.flaws[index]
        var attachment = leads
        change(&attachment)
        let problems = attachment.problems(in: EventCatalogue())
        #expect(problems.contains { $0.contains(words) }, "\(problems)")
    }

    @Test func `of a type that the user declared is checked by its shape`() {
        let declared = EventShape(EventType("trial_started"), fields: [.init("plan", .text)], required: ["plan"])
        var attachment = leads
        attachment.type = declared.type
        #expect(!attachment.problems(in: EventCatalogue()).isEmpty)
        let catalogue = EventCatalogue(declared: [declared])
        #expect(attachment.problems(in: catalogue).contains { $0.contains("plan") })
        attachment.fields.append(.init(name: "plan", column: "plan"))
        #expect(attachment.problems(in: catalogue) == [])
    }

    @Test func `doubts a field that is nearly one`() {
        var attachment = leads
        attachment.fields.append(.init(name: "mesage", column: "m"))
        attachment.fields.append(.init(name: "favourite_colour", column: "c"))
        #expect(attachment.doubts(in: EventCatalogue()).count == 1)
    }

    @Test(arguments: [
        ("insert", RowChanges(insert: true)), ("delete", RowChanges(delete: true)),
        ("update", RowChanges(update: .carried)),
        ("insert,update:a,b c,delete", RowChanges(insert: true, update: .columns(["a", "b c"]), delete: true)),
        (#"update:"a,b",c"#, RowChanges(update: .columns(["a,b", "c"]))),
        ("update:delete,x,delete", RowChanges(update: .columns(["delete", "x"]), delete: true)),
    ])
    func `reads which changes are told`(text: String, changes: RowChanges) {
        #expect(RowChanges(text) == changes)
    }

    @Test(arguments: [
        "", "inserts", "insert,", "insert,a", "update:", "update:a,,b", "update:\"a", "update:a,update:b",
    ])
    func `refuses what says no changes`(text: String) {
        #expect(RowChanges(text) == nil)
    }

    @Test func `reads tables as Postgres has them`() {
        #expect(TableName("leads") == TableName(schema: "public", name: "leads"))
        #expect(TableName("crm.Leads") == TableName(schema: "crm", name: "Leads"))
        #expect(TableName(#""a.b"."c ""d""""#) == TableName(schema: "a.b", name: #"c "d""#))
        for text in ["", ".", "a.", "a.b.c", "\"a", "a\u{7}", String(repeating: "x", count: 64)] {
            #expect(TableName(text) == nil, "\(text)")
        }
    }

    @Test func `makes triggers of names that Postgres does not cut`() throws {
        let names: [Substring] = try ["a", "b"].map { last in
            var attachment = leads
            attachment.type = EventType(String(repeating: "x", count: 62) + last)
            let sql = AttachmentSQL.attach(attachment, catalogue: EventCatalogue())
            return try #require(sql.firstMatch(of: /create trigger "([^"]+)"/)?.1)
        }
        #expect(Set(names).count == 2)
        #expect(names.allSatisfy { $0.utf8.count <= 63 && $0.hasSuffix("_insert") })
    }
}

@Suite struct `The kit's files` {
    @Test(arguments: KitFile.functionNames)
    func `start each function as the files of this repository do`(name: String) throws {
        let path = ProjectFolder.file("supabase/functions/\(name)/index.ts")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == KitFile.index(of: name))
    }

    @Test func `hold every function of this repository`() throws {
        let folder = ProjectFolder.file("supabase/functions")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != "_shared" }
        #expect(Set(names) == Set(KitFile.functionNames))
        for file in KitFile.functions {
            #expect(try String(contentsOfFile: ProjectFolder.file(file.path), encoding: .utf8) == file.text)
        }
    }

    @Test func `add to config.toml what is missing there, once`() throws {
        let all = FunctionSettings.all
        #expect(FunctionSettings.missing(from: "") == all)
        #expect(FunctionSettings.missing(from: all) == nil)
        let some = "project_id = \"x\"\n[functions.health] # ours\nverify_jwt = false\n[ functions.\"chat-events\" ]\n"
        let missing = try #require(FunctionSettings.missing(from: some))
        #expect(missing.contains("[functions.stripe-webhook]") && !missing.contains("chat-events"))
    }

    @Test func `name migrations so that each stands behind all others`() {
        let now = Instant(milliseconds: 1_795_600_000_000)
        let empty = MigrationFolder(names: [])
        #expect(empty.next(named: "a", at: now).hasSuffix("_a.sql"))
        #expect(empty.next(named: "a", at: now).prefix { $0.isNumber }.count == 14)
        let ahead = MigrationFolder(names: ["20991231235959_future.sql", "notes.md", "1_short.sql"])
        #expect(ahead.next(named: "a", at: now) == "20991231235960_a.sql")
        #expect(ahead.newest(named: "future") == "20991231235959_future.sql")
        #expect(MigrationFolder.title(of: "attach", "Odd Näme", "lead_captured") == "attach_odd_n_me_lead_captured")
    }
}
