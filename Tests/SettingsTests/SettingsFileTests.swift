import Model
import Settings
import Testing

@Suite struct `A settings file` {
    @Test func `reads into values`() throws {
        let reading = read(example)
        #expect(reading.problems.map(\.description) == [])
        let settings = try #require(reading.settings)
        #expect(settings.product == "Acme Assistant")
        #expect(settings.journal == .sqlite(path: "throughline.db"))
        #expect(
            settings.http
                == HTTPSettings(
                    host: "127.0.0.1", port: 8080, publicURL: "https://hooks.acme.example",
                    metrics: .init(host: "127.0.0.1", port: 9464)))
        #expect(
            settings.retry
                == RetryPolicy(
                    first: .seconds(3), factor: 1.5, longest: .seconds(1800), giveUp: .seconds(2 * 86_400)))
        #expect(settings.retention == Retention(raw: .seconds(30 * 86_400), events: .seconds(200 * 86_400)))
        let call = Flow.Call(destination: "team", action: "notify")
        #expect(settings.alerts == AlertSettings(to: ["team"], calls: [call], ackP95: .milliseconds(250)))
        #expect(settings.enrichFor == .seconds(5400))
        #expect(
            settings.catalogue[EventType("trial_started")]
                == EventShape(
                    EventType("trial_started"), fields: [.init("plan", .text), .init("seats", .integer)],
                    required: ["plan"]))
    }

    @Test func `reads who may sign in, and what an action costs by hand`() throws {
        let reading = read(
            """
            product: Acme
            destinations: { crm: { kind: hubspot, token: env:T } }
            flows: [{ name: a, on: lead_captured, do: crm.upsert_contact }]
            console:
              sign_in:
                company: { kind: oidc, issuer: "https://id.acme.example/", client_id: tl, client_secret: env:S, algorithms: EdDSA }
                product: { kind: supabase, url: https://a.supabase.co, key: env:ANON }
              minutes: { crm.upsert_contact: 2.5 }
            """)
        #expect(reading.errors.map(\.description) == [])
        let console = try #require(reading.settings).console
        #expect(console.minutes == ["crm.upsert_contact": 2.5])
        #expect(
            console.signIn == [
                SignInProvider(
                    name: "company",
                    kind: .openID(issuer: "https://id.acme.example", clientID: "tl", clientSecret: .environment("S")),
                    algorithms: [.edDSA], audience: "tl"),
                SignInProvider(
                    name: "product", kind: .supabase(url: "https://a.supabase.co", key: .environment("ANON")),
                    audience: "authenticated"),
            ])
        #expect(console.signIn.map(\.issuer) == ["https://id.acme.example", "https://a.supabase.co/auth/v1"])
        #expect(reading.secrets.map(\.reference.description).sorted() == ["env:ANON", "env:S", "env:T"])
    }

    @Test(arguments: [
        (
            "sign_in: { a: { kind: oidc, issuer: https://a.example, client_id: b, algorithms: HS256 } }",
            "expected one of"
        ),
        (
            "sign_in: { a: { kind: oidc, issuer: https://a.example, client_id: b, algorithms: none } }",
            "expected one of"
        ),
        ("sign_in: { a: { kind: oidc, issuer: http://a.example, client_id: b } }", "plain http"),
        ("sign_in: { a: { kind: oidc, issuer: https://a.example, client_id: b, client_secret: plain } }", "plain text"),
        ("sign_in: { a: { kind: saml } }", "saml"), ("minutes: { crn.upsert_contact: 2 }", "did you mean \"crm\""),
        ("minutes: { crm.upsert_contact: many }", "minutes from 0 to 480"),
    ])
    func `refuses of the console what would not be safe or not work`(text: String, words: String) {
        let reading = read("product: A\ndestinations: { crm: { kind: hubspot, token: env:T } }\nconsole: { \(text) }")
        #expect(reading.errors.contains { $0.description.contains(words) }, "\(reading.errors.map(\.description))")
    }

    @Test func `reads its sources`() throws {
        let settings = try #require(read(example).settings)
        #expect(
            settings.source("stripe")
                == SourceSettings(
                    name: "stripe", kind: .stripe(payments: .intents),
                    secrets: [.environment("STRIPE_WEBHOOK_SECRET"), .environment("STRIPE_WEBHOOK_SECRET_OLD")]))
        #expect(settings.source("chat")?.tolerance == .seconds(120))
        #expect(settings.source("desk")?.secrets == [.environment("ZENDESK_WEBHOOK_SECRET")])
        #expect(
            settings.source("shop")
                == SourceSettings(
                    name: "shop",
                    kind: .standard(
                        PayloadMap(
                            type: Path(steps: ["event"]),
                            types: ["order.created": .checkoutCompleted, "trial": EventType("trial_started")],
                            occurredAt: Path(steps: ["at"]), user: Path(steps: ["customer", "id"]),
                            fields: [
                                .init(name: "checkout", value: .path(Path(steps: ["items", "0", "id"]))),
                                .init(name: "note", value: .text([.literal("from "), .path(Path(steps: ["shop"]))])),
                            ])), secrets: [.file(path: "secrets/shop")]))
        #expect(
            settings.source("slackish")?.kind
                == .hmac(
                    HMACScheme(
                        header: "X-Slack-Signature", prefix: "v0=",
                        timestamp: .init(header: "X-Slack-Request-Timestamp", separator: ":"), signedPrefix: "v0:"),
                    id: Path(steps: ["event_id"]),
                    PayloadMap(type: Path(steps: ["type"]), types: ["message": .chatStarted])))
    }

    @Test func `reads its destinations`() throws {
        let settings = try #require(read(example).settings)
        #expect(
            settings.destination("crm")
                == DestinationSettings(
                    name: "crm", kind: .hubspot(token: .environment("HUBSPOT_TOKEN")),
                    rate: Rate(count: 100, per: .seconds(10)), order: .object))
        #expect(settings.destination("desk")?.timeout == .seconds(5))
        #expect(
            settings.destination("hook")?.kind
                == .webhook(url: "https://acme.example/hooks", secret: .environment("HOOK_SECRET")))
        guard case .http(let shop)? = settings.destination("shop")?.kind else {
            Issue.record("shop is no http destination")
            return
        }
        #expect(shop.url == "http://127.0.0.1:9000/api")
        #expect(
            shop.headers == [
                .init(name: "Authorization", value: .secret(.environment("SHOP_TOKEN"), prefix: "Bearer ")),
                .init(name: "X-App", value: .literal("throughline")),
            ])
        #expect(shop.probe == "/me")
        #expect(
            shop.actions.first
                == HTTPAction(
                    name: "create_order", path: .text([.literal("/orders/"), .path(Path(steps: ["checkout"]))]),
                    body: .object([
                        .init(name: "email", value: .path(Path(steps: ["email"]))),
                        .init(name: "paid", value: .literal(true)), .init(name: "count", value: .literal(3)),
                        .init(name: "code", value: .literal("01234")),
                        .init(name: "tags", value: .array([.literal("a"), .path(Path(steps: ["plan"]))])),
                    ]), success: Set(200...299).union([409]),
                    safety: .keyed(header: "Idempotency-Key", lifetime: .seconds(86_400)), record: Path(steps: ["id"]),
                    recordKind: "order", required: ["email"]))
        #expect(
            shop.actions.last?.safety
                == .findable(
                    path: .text([.literal("/orders?ref="), .path(Path(root: .effect, steps: ["key"]))]),
                    exists: Path(steps: ["items", "0", "id"]), lag: .seconds(5)))
    }

    @Test func `reads its flows in order, every scalar as text`() throws {
        let flows = try #require(read(example).settings).flows
        #expect(flows.map(\.id) == ["new-lead", "big-payment", "complaint-1", AlertSettings.flowID])
        #expect(flows[0].set?.map(\.name) == ["email", "firstname", "lifecyclestage", "price", "on", "code"])
        #expect(
            flows[0].set?.suffix(4).map(\.value) == [
                .literal("lead"), .literal("$5"), .literal("on"), .literal("01234"),
            ])
        #expect(
            flows[1]
                == Flow(
                    id: "big-payment", name: "Big payment!", on: [.paymentSucceeded, EventType("trial_started")],
                    when: .all([
                        .init(path: Path(steps: ["amount"]), test: .greaterOrEqual(500_000)),
                        .init(path: Path(steps: ["amount"]), test: .less(9e9)),
                        .init(path: Path(steps: ["currency"]), test: .equals("usd")),
                        .init(path: Path(root: .event, steps: ["session"]), test: .exists(true)),
                    ]), calls: [.init(destination: "team", action: "notify")],
                    set: [
                        .init(
                            name: "text",
                            value: .text([
                                .path(Path(steps: ["email"])), .literal(" paid $ "), .path(Path(steps: ["amount"])),
                            ]))
                    ], rollout: .canary(percent: 25), onUnknown: .hold, stopsLaneWhenDead: true, priority: 5,
                    after: .seconds(10),
                    retry: RetryPolicy(first: .seconds(1), giveUp: .seconds(86_400), attemptsMax: 7)
                ))
        #expect(flows[2].name == "complaint-1")
        #expect(
            flows[2].calls.map(\.name) == [
                "desk.open_ticket", "team.notify", "team.notify#second", "hook.send", "shop.create_order", "shop.touch",
            ])
    }

    @Test func `names every secret with its place`() {
        let secrets = read(example).secrets
        #expect(secrets.count == 11)
        #expect(
            secrets.first
                == SecretUse(
                    reference: .environment("STRIPE_WEBHOOK_SECRET"), key: "sources.stripe.secrets[0]", line: 9))
    }

    @Test func `needs no more than the product's name`() {
        #expect(read("product: Acme").settings == Settings(product: "Acme"))
        #expect(read("product: Acme\r\nhttp:\r\n  port: 1234\r\n").settings?.http.port == 1234)
    }

    @Test func `that init writes is valid`() throws {
        let reading = read(Starter.configuration)
        #expect(reading.problems.map(\.description) == [])
        let settings = try #require(reading.settings)
        #expect(settings.sources.map(\.name) == ["stripe", "chat"])
        #expect(settings.flows.isEmpty && settings.destinations.isEmpty)
        let withInbox = read(Starter.configurationWithInbox)
        #expect(withInbox.problems.map(\.description) == [])
        #expect(withInbox.settings?.sources.last?.kind == .inbox(url: .environment("SUPABASE_DB_URL")))
    }

    @Test func `that init writes stays valid when every example is taken`() throws {
        let lines = Starter.configuration.split(separator: "\n").map { line -> String in
            if line.hasPrefix("#  ") { return String(line.dropFirst()) }
            let isExample = ["# public_url", "# api_key", "# alerts: ", "# reconcile: ", "# receipts: "].contains {
                line.contains($0)
            }
            return String(isExample ? line.replacing("# ", with: "") : line)
        }
        let reading = read(lines.joined(separator: "\n"))
        #expect(reading.problems.map(\.key) == ["destinations.hook"])
        let settings = try #require(reading.settings)
        #expect(settings.flows.count == 5)
        #expect(settings.destinations.count == 4)
        #expect(settings.alerts.to == ["team"])
        #expect(settings.receipts.origins == ["https://acme.example"])
    }

    @Test func `may begin with a byte order mark`() {
        #expect(read("\u{FEFF}product: Acme\n").settings == Settings(product: "Acme"))
    }
}

@Suite struct `What is said of alerts` {
    private static let base = """
        product: Acme
        destinations:
          team: { kind: slack, url: env:SLACK }
          pager: { kind: pagerduty, routing_key: env:PAGER }
          mail: { kind: email, host: smtp.acme.example, security: tls, user: u, password: env:P, from: a@acme.example, to: b@acme.example }
          hook: { kind: http, url: https://acme.example, actions: { tell: { path: /a }, ask: { path: /b } } }

        """

    @Test func `becomes a flow that no file can write`() throws {
        let settings = try #require(read(Self.base + "alerts: { to: [team, pager, mail, hook.tell] }").settings)
        let flow = try #require(settings.flows.last)
        #expect(flow.id == AlertSettings.flowID && flow.on == EventType.ofAlerts)
        #expect(flow.calls.map(\.name) == ["team.notify", "pager.event", "mail.send", "hook.tell"])
        #expect(settings.alerts.to == ["team", "pager", "mail", "hook"])
        #expect(settings.destination("mail")?.kind.name == "email")
        let nobody = try #require(read(Self.base).settings)
        #expect(nobody.flows.isEmpty && nobody.alerts == AlertSettings())
    }

    @Test func `can be switched off and tuned`() throws {
        let text = """
            alerts:
              failed_work: 0.5%
              failed_deliveries: off
              attempts: 5
              dead_letters: off
              silent_source: off
              rotate_secrets: off
              reconciled: 99.5%
              remind: 12h
            logs: json
            traces: { endpoint: "http://127.0.0.1:4318", headers: { authorization: Bearer env:OTLP } }
            """
        let settings = try #require(read(Self.base + text).settings)
        #expect(
            settings.alerts
                == AlertSettings(
                    failedWork: 0.005, failedDeliveries: nil, attempts: 5, silentSource: nil, rotateSecrets: nil,
                    reconciled: 0.995, tellsDead: false, remind: .seconds(43_200)))
        #expect(settings.logs == .json)
        #expect(settings.traces?.endpoint == "http://127.0.0.1:4318")
        #expect(settings.traces?.headers.count == 1)
    }
}
