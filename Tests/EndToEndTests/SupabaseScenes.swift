import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    /// A product that has a Supabase project and nothing else, and a server of ours that only it can reach.
    @Suite(.enabled("Postgres, Deno or psycopg is not installed") { await SupabaseProcesses.areInstalled() })
    struct `A product on Supabase` {}
}

extension `The whole product`.`A product on Supabase` {
    private static let page = "https://acme.example"
    private static let chatSecret = DemoConfiguration.chatSecret
    private static let payment = StripePurchase(
        tag: "by inbox", email: "ada@example.com", name: "Ada", amount: 4900, startedAt: Stage.time.now
    ).paymentSucceeded(at: Stage.time.now)

    private func set(_ body: (Stage, SupabaseProcesses) async throws -> Void) async throws {
        let supabase = try await SupabaseProcesses()
        try await Stage.set { stage in
            try stage.drain(supabase.project)
            try await body(stage, supabase)
        }
    }

    /// The kit as the product's repository has it, laid down and applied by our own commands.
    private func attachLeads(_ stage: Stage, _ supabase: SupabaseProcesses) async throws {
        try await supabase.project.run(
            """
            create table leads (id bigint generated always as identity primary key, email text, full_name text, chat text);
            alter table leads enable row level security;
            create policy anybody_asks on leads for insert to anon with check (true);
            """)
        let attached = try await stage.server.run(
            "supabase", "attach", "leads", "--as", "lead_captured", "--map", "email=email", "firstname=full_name",
            "--session", "chat")
        #expect(attached.status == 0, "\(attached)")
        try await supabase.project.run(attached.output)
    }

    @Test func `a row in the product's own table becomes a contact in the CRM`() async throws {
        try await set { stage, supabase in
            try await attachLeads(stage, supabase)
            try await stage.server.start()
            let site = try await supabase.start("tests/product/index.ts")
            let page = try await SupabaseProcesses.send("GET", site)
            #expect(String(decoding: page.body, as: UTF8.self).contains(#"<form method="post">"#))
            let sent = try await SupabaseProcesses.send(
                "POST", site, ["content-type": "application/x-www-form-urlencoded"],
                body: Array("email=ada%40example.com&full_name=Ada".utf8))
            #expect(sent.status == 200)
            try await eventually("the contact is there", within: 20) { stage.contacts.count == 1 }
            #expect(stage.contacts.first?.properties["email"] == "ada@example.com")
            #expect(stage.contacts.first?.properties["firstname"] == "Ada")
            try await stage.settle()
            let trail = try await stage.server.api("POST", "/v1/trace", body: ["id": "sess_81"])
            let event = trail["items"]?.array?.first { $0["kind"] == "event" }
            #expect(event?["source"] == "app" && event?["type"] == "lead_captured")
            try await eventually("the inbox is empty", within: 10) {
                try await supabase.project.run("select count(*) from throughline.inbox", as: "supabase_admin") == "0"
            }
        }
    }

    @Test func `an event is one event whether it came to the server or by the inbox`() async throws {
        try await set { stage, supabase in
            try await stage.server.start()
            let secrets = [
                "THROUGHLINE_URL": stage.server.base, "THROUGHLINE_SECRET": Self.chatSecret,
                "STRIPE_WEBHOOK_SECRET": DemoConfiguration.stripeSecret, "THROUGHLINE_ALLOWED_ORIGINS": Self.page,
            ]
            let chat = try await supabase.start("functions/chat-events/index.ts", secrets)
            let stripe = try await supabase.start("functions/stripe-webhook/index.ts", secrets)
            let payment = Stage.stripe.delivery(Self.payment, at: Stage.time.now)

            func lead() async throws -> JSONValue {
                try await say(chat, "lead_captured", ["email": "ada@example.com"], "1")
            }
            func help() async throws -> JSONValue { try await say(chat, "support_escalated", ["message": "help"], "2") }
            func pay() async throws -> JSONValue { try await deliver(payment, to: stripe) }
            for sent in [try await lead(), try await help(), try await pay()] {
                #expect(sent["via"] == "server" && sent["status"] == "accepted", "\(sent)")
            }
            // The payment's job waits for an address that this payment never brings.
            try await eventually("the lead and the complaint are through", within: 20) {
                stage.tickets.count == 1 && stage.contacts.count == 1
            }
            #expect(try await stage.server.stop() == 0)
            for sent in [try await lead(), try await help(), try await pay()] {
                #expect(sent["via"] == "inbox" && sent["status"] == "waiting", "\(sent)")
            }
            let late = try await say(chat, "chat_started", ["page": "/pricing"], "3")
            #expect(late["via"] == "inbox")
            try await stage.server.start()
            try await eventually("the inbox is empty", within: 20) {
                try await supabase.project.run("select count(*) from throughline.inbox", as: "supabase_admin") == "0"
            }
            try await eventually("all is planned", within: 20) {
                try await stage.server.api("GET", "/v1/status")["pending"]?.int == 0
            }
            let events = try await stage.all("/v1/events")
            #expect(
                events.compactMap { $0["type"]?.string }.sorted()
                    == ["chat_started", "lead_captured", "payment_succeeded", "support_escalated"])
            #expect(Set(events.compactMap { $0["source"]?.string }) == ["chat", "stripe"])
            #expect(stage.tickets.count == 1 && stage.contacts.count == 1)
        }
    }

    @Test func `a forged delivery gets no further than the inbox, and a person is told`() async throws {
        try await set { stage, supabase in
            let forged = StripeSender(secrets: ["whsec_of_somebody_else"]).delivery(Self.payment, at: Stage.time.now)
            let signature = forged.headers(at: Stage.time.now).first { $0.name == "stripe-signature" }?.value ?? ""
            let door = supabase.gatewayURL + "/rest/v1/rpc/throughline_accept"
            let call: JSONValue = [
                "payload": .string(String(decoding: forged.body, as: UTF8.self)), "source": "stripe",
                "headers": ["stripe-signature": .string(signature)],
            ]
            // The public key cannot even call the door.
            let anon = SupabaseProcesses.token(["role": "anon"])
            let json = ["content-type": "application/json"]
            let refused = try await SupabaseProcesses.send(
                "POST", door, json.merging(["apikey": anon]) { $1 }, body: call.encoded)
            #expect(refused.status == 401 && String(decoding: refused.body, as: UTF8.self).contains("42501"))
            let user = SupabaseProcesses.token(["role": "authenticated", "sub": "u_1"])
            let forbidden = try await SupabaseProcesses.send(
                "POST", door, json.merging(["apikey": anon, "authorization": "Bearer \(user)"]) { $1 },
                body: call.encoded)
            #expect(forbidden.status == 403)

            let service = json.merging(["apikey": SupabaseProcesses.serviceKey]) { $1 }
            #expect(try await SupabaseProcesses.send("POST", door, service, body: call.encoded).status == 200)
            let odd: JSONValue = ["payload": #"{"id": "odd", "type": "no_such_type", "session": "s"}"#]
            #expect(try await SupabaseProcesses.send("POST", door, service, body: odd.encoded).status == 200)
            try await stage.server.start()
            try await eventually("the row is held", within: 20) {
                try await stage.all("/v1/alerts").contains {
                    $0["title"]?.string == "The inbox app holds rows that cannot be used"
                }
            }
            let row = try await supabase.project.run(
                "select source, attempts, reason from throughline.inbox", as: "supabase_admin")
            #expect(row.hasPrefix("stripe|1|the signature was not made with the configured secret"), "\(row)")
            #expect(try await stage.all("/v1/events").isEmpty)
            let kept = try await stage.all("/v1/quarantine")
            #expect(
                kept.map { $0["code"] } == ["unknown_type"], "our own form is believed, and kept where it is no event")

            let metrics = try await stage.server.metrics()
            #expect(metrics.contains(#"throughline_inbox_reachable{source="app"} 1"#))
            #expect(metrics.contains(#"throughline_inbox_held_rows{source="app"} 1"#))
            #expect(metrics.contains(#"throughline_inbox_lag_seconds{source="app"} 0.0"#))
        }
    }

    @Test func `no row is passed over, in whatever order transactions end`() async throws {
        try await set { stage, supabase in
            try await stage.server.start()
            let early = try supabase.project.session()
            try await early.run(
                "begin; select throughline.accept('{\"id\": \"early\", \"type\": \"chat_started\", \"session\": \"s\"}')"
            )
            try await supabase.project.run(
                "select throughline.accept('{\"id\": \"late\", \"type\": \"chat_started\", \"session\": \"s\"}')")
            try await eventually("the later row is drained", within: 10) {
                try await stage.all("/v1/events").map { $0["external_id"]?.string } == ["late"]
            }
            try await early.run("commit")
            try await eventually("the earlier row is drained", within: 10) {
                try await stage.all("/v1/events").count == 2
            }

            // Many at once, each open for a random while, some taken back.
            let (writers, rounds, project) = (8, 12, supabase.project)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 1...writers {
                    group.addTask {
                        try await project.run(
                            (1...rounds).map { round in
                                """
                                begin;
                                select throughline.accept(
                                    '{"id": "\(writer)-\(round)", "type": "chat_started", "session": "s"}');
                                select pg_sleep(random() * 0.1);
                                \(round % 4 == 0 ? "rollback" : "commit");
                                """
                            }.joined(separator: "\n"))
                    }
                }
                try await group.waitForAll()
            }
            let kept = (1...writers).flatMap { writer in (1...rounds).filter { $0 % 4 != 0 }.map { "\(writer)-\($0)" } }
            try await eventually("every row that was committed is drained", within: 20) {
                try await supabase.project.run("select count(*) from throughline.inbox", as: "supabase_admin") == "0"
            }
            let ids = try await stage.all("/v1/events").compactMap { $0["external_id"]?.string }
            #expect(ids.sorted() == (kept + ["early", "late"]).sorted())
        }
    }

    #if DEBUG
        @Test(.enabled(if: ServerProcess.isOfThisBuild, "a release build passes all points"))
        func `a death between the two commits doubles nothing and loses nothing`() async throws {
            try await set { stage, supabase in
                for number in 1...30 {
                    try await supabase.project.run(
                        """
                        select throughline.accept('{"id": "lead-\(number)", "type": "lead_captured",
                            "session": "s-\(number)", "data": {"email": "lead\(number)@example.com"}}')
                        """)
                }
                try stage.server.launch(dyingAt: "append.kept:1")
                try await stage.server.isDead(within: 20)
                #expect(
                    try await supabase.project.run("select count(*) from throughline.inbox", as: "supabase_admin")
                        == "30")
                try await stage.server.start()
                try await eventually("the inbox is empty", within: 20) {
                    try await supabase.project.run("select count(*) from throughline.inbox", as: "supabase_admin")
                        == "0"
                }
                try await stage.settle()
                #expect(try await stage.all("/v1/events").count == 30)
                #expect(stage.contacts.count == 30)
            }
        }
    #endif

    @Test func `a connection that is cut is made again`() async throws {
        try await set { stage, supabase in
            try await stage.server.start()
            for number in 1...3 {
                try await eventually("the drain is connected", within: 20) {
                    try await supabase.project.run(
                        """
                        select count(pg_terminate_backend(pid)) from pg_stat_activity
                        where datname = current_database() and usename = 'throughline_worker'
                        """, as: "supabase_admin") == "1"
                }
                try await supabase.project.run(
                    "select throughline.accept('{\"id\": \"\(number)\", \"type\": \"chat_started\", \"session\": \"s\"}')"
                )
                try await eventually("the row is drained", within: 20) {
                    try await stage.all("/v1/events").count == number
                }
            }
            #expect(stage.server.log.contains("inbox not drained") && stage.server.log.contains("inbox reached again"))
        }
    }

    // MARK: Sending

    private func say(_ function: String, _ type: String, _ data: JSONObject, _ id: String) async throws -> JSONValue {
        let body: JSONValue = ["id": .string(id), "type": .string(type), "session": "sess_1", "data": .object(data)]
        let answer = try await SupabaseProcesses.send(
            "POST", function, ["content-type": "application/json", "origin": Self.page], body: body.encoded)
        #expect(answer.status == 200)
        return try JSONValue(parsing: answer.body)
    }

    private func deliver(_ delivery: SimulatedDelivery, to function: String) async throws -> JSONValue {
        let headers = delivery.headers(at: Stage.time.now).map { ($0.name, $0.value) }
        let answer = try await SupabaseProcesses.send(
            "POST", function, Dictionary(headers, uniquingKeysWith: { $1 }), body: delivery.body)
        #expect(answer.status == 200)
        return try JSONValue(parsing: answer.body)
    }
}

extension Stage {
    /// Gives the server, which must not run yet, the inbox of that project as the source `app`.
    func drain(_ project: SupabaseProject) throws {
        for (file, change) in [
            (
                "throughline.yaml",
                { $0.replacing("sources:\n", with: "sources:\n  app: { kind: inbox, url: env:SUPABASE_DB_URL }\n") }
            ),
            (".env", { $0 + "\nSUPABASE_DB_URL=\(project.url(as: "throughline_worker"))\n" }),
        ] as [(String, (String) -> String)] {
            let text = try String(contentsOfFile: server.folder.file(file), encoding: .utf8)
            try server.write(change(text), to: file)
        }
    }
}

extension ServerProcess {
    func metrics() async throws -> String {
        guard let local = LocalServer.find(folder: folder.path) else { throw Trouble("no local server is on record") }
        let answer = try await send(
            "GET", "/metrics", headers: [.init("authorization", "Bearer \(local.credential.revealed)")])
        return String(decoding: answer.body, as: UTF8.self)
    }
}
