import Model
import Settings
import Testing

@Suite struct `A wrong settings file` {
    @Test func `says everything at once, like a compiler`() {
        let text = """
            produkt: Acme
            journal: postgres://user:hunter2@db/app
            http: { port: 99999 }
            sources:
              stripe: { kind: stripe, secrets: [whsec_hunter2] }
              App!: { kind: events }
            destinations:
              crm: { kind: hubspot, token: env:HUBSPOT_TOKEN, rate: fast }
              hook: { kind: webhok, url: https://acme.example, secret: env:HOOK }
              crm: { kind: slack, url: env:SLACK }
            flows:
              - name: new lead
                on: lead_capturd
                do: crn.upsert_contact
              - name: New Lead
                on: lead_captured
                do: [crm.upsert_contct, crm.upsert_contact, crm.upsert_contact]
                set: { email: $email, note: "{{ $.x" }
                when: { $.amount: { gte: lots } }
            retention: { raw: 90 days }
            alerts: { to: [tem] }
            """
        let expected = """
            throughline.yaml:1:1: produkt: the configuration has no key "produkt"; did you mean "product"?
            throughline.yaml:1:1: product: missing; expected the product's name
            throughline.yaml:2:10: journal: a database's address holds a password, which is refused in plain text; write \
            env:DATABASE_URL and put the address into .env
            throughline.yaml:3:15: http.port: expected a whole number from 0 to 65535, found "99999"
            throughline.yaml:5:37: sources.stripe.secrets[0]: expected env:NAME or file:PATH; a secret in plain text is \
            refused; put it into .env and name it here
            throughline.yaml:6:3: sources.App!: a source's name is made of a-z, 0-9, - and _, begins with a letter or \
            digit and is at most 63 long
            throughline.yaml:8:57: destinations.crm.rate: expected a rate like 100/10s, found "fast"
            throughline.yaml:9:17: destinations.hook.kind: expected one of hubspot, zendesk, slack, webhook, http, email, \
            pagerduty, found "webhok"; did you mean "webhook"?
            throughline.yaml:10:3: destinations.crm: given twice, first on line 8; keep one
            throughline.yaml:13:9: flows[0].on: no event type is called "lead_capturd"; did you mean "lead_captured"?
            throughline.yaml:14:9: flows[0].do: no destination is called "crn"; did you mean "crm"?
            throughline.yaml:15:5: flows[1]: the flow on line 12 has the id "new-lead" too; ids stand in effect keys, so \
            give this one an id of its own
            throughline.yaml:17:10: flows[1].do[0]: crm, a hubspot destination, has no action "upsert_contct"; did you \
            mean "upsert_contact"?
            throughline.yaml:17:49: flows[1].do[2]: crm.upsert_contact stands here twice; tell them apart: \
            { do: crm.upsert_contact, as: second }
            throughline.yaml:18:19: flows[1].set.email: expected a path like $.email, $event.session or $subject.email, \
            found "$email"; text that begins with a dollar is written $$
            throughline.yaml:18:33: flows[1].set.note: a {{ has no }}
            throughline.yaml:19:30: flows[1].when.$.amount.gte: expected a number, found "lots"
            throughline.yaml:20:19: retention.raw: expected a duration like 500ms, 2s, 1h or 90d, found "90 days"
            throughline.yaml:21:16: alerts.to[0]: no destination is called "tem"; there are crm, hook
            """
        let reading = read(text)
        #expect(reading.settings == nil)
        #expect(reading.problems.map(\.description).joined(separator: "\n") == expected)
        #expect(!reading.problems.contains { $0.description.contains("hunter2") })
    }

    /// Each: what stands under `product: Acme`, and a part of the one problem that it makes.
    static let wrongForms: [(String, String)] = [
        ("- a", "not YAML"),
        ("journal: throughline.db", "expected sqlite:PATH"),
        ("journal: postgres://u:p@db/app", "write env:DATABASE_URL"),
        ("journal: 'sqlite:'", "expected sqlite:PATH"),
        ("http: 8080", "expected a map with the keys of http, found \"8080\""),
        ("http: { port: -1 }", "http.port: expected a whole number"),
        ("http: { port: }", "http.port: expected a whole number from 0 to 65535, found nothing"),
        ("http: { host: 'a b' }", "http.host: expected a host"),
        ("http: { public_url: hooks.acme.example }", "http.public_url: expected an address"),
        ("http: { public_url: 'https://u:p@acme.example' }", "without user, password"),
        ("http: { metrics: 9464 }", "http.metrics: expected host:port"),
        ("http: { port: 8080, metrics: 127.0.0.1:8080 }", "http.metrics: metrics has the port of http itself"),
        ("http: { prt: 1 }", "http.prt: http has no key \"prt\"; did you mean \"port\"?"),
        ("sources: [a]", "expected a map of sources by name, found a list"),
        ("sources: { a: { secrets: [env:A] } }", "sources.a.kind: missing"),
        ("sources: { a: { kind: strip, secrets: [env:A] } }", "did you mean \"stripe\"?"),
        ("sources: { a: { kind: inbox } }", "sources.a.url: missing"),
        ("sources: { a: { kind: inbox, url: 'postgres://u:p@h/d' } }", "plain text is refused"),
        ("sources: { a: { kind: inbox, url: env:A, secrets: env:B } }", "an inbox source has no key"),
        ("sources: { a: { kind: stripe } }", "sources.a.secrets: missing"),
        ("sources: { a: { kind: stripe, secrets: [] } }", "at least one secret"),
        ("sources: { a: { kind: stripe, secret: env:A, secrets: env:A } }", "did you mean \"secrets\"?"),
        ("sources: { a: { kind: stripe, secrets: [env:1A] } }", "plain text is refused"),
        ("sources: { a: { kind: stripe, secrets: [{}] } }", "found a map"),
        ("sources: { a: { kind: stripe, secrets: env:A, tolerance: 5 } }", "a duration"),
        ("sources: { a: { kind: stripe, secrets: env:A, tolerance: 2d } }", "too long"),
        ("sources: { a: { kind: stripe, secrets: env:A, payments: both } }", "one of intents, invoices"),
        ("sources: { a: { kind: stripe, secrets: env:A, map: {} } }", "a stripe source has no key \"map\""),
        ("sources: { a: { kind: standard, secrets: env:A } }", "sources.a.map: missing"),
        ("sources: { a: { kind: standard, secrets: env:A, map: {} } }", "map.types: missing"),
        ("sources: { a: { kind: standard, secrets: env:A, map: { types: {} } } }", "names no type"),
        ("sources: { a: { kind: standard, secrets: env:A, map: { types: { x: y } } } }", "no event type is called"),
        (
            "sources: { a: { kind: standard, secrets: env:A, map: { type: event, types: { x: chat_started } } } }",
            "map.type: expected a path"
        ),
        (
            "sources: { a: { kind: hmac, secrets: env:A, header: X-A, map: { types: { x: chat_started } } } }",
            "sources.a.id: missing"
        ),
        (
            "sources: { a: { kind: hmac, secrets: env:A, id: $.id, map: { types: { x: chat_started } } } }",
            "sources.a.header: missing"
        ),
        (
            "sources: { a: { kind: hmac, secrets: env:A, id: $.id, header: 'a b', map: { types: { x: chat_started } } } }",
            "a header's name"
        ),
        (
            "sources: { a: { kind: hmac, secrets: env:A, id: $.id, header: a, algorithm: md5, map: { types: { x: chat_started } } } }",
            "one of sha1, sha256, sha512"
        ),
        (
            "sources: { a: { kind: hmac, secrets: env:A, id: $.id, header: a, timestamp: { unit: seconds }, map: { types: { x: chat_started } } } }",
            "timestamp.header: missing"
        ),
        ("destinations: { a: { kind: hubspot } }", "destinations.a.token: missing"),
        ("destinations: { a: { kind: hubspot, token: pat-na1-x } }", "plain text is refused"),
        ("destinations: { a: { kind: slack, url: https://hooks.slack.example/x } }", "plain text is refused"),
        ("destinations: { a: { kind: zendesk, subdomain: a.b, email: a@b.c, token: env:A } }", "a subdomain"),
        ("destinations: { a: { kind: zendesk, subdomain: a, email: ops, token: env:A } }", "an agent's address"),
        ("destinations: { a: { kind: webhook, url: http://acme.example, secret: env:A } }", "plain http"),
        ("destinations: { a: { kind: webhook, url: ftp://acme.example, secret: env:A } }", "expected an address"),
        ("destinations: { a: { kind: webhook, url: http://169.254.169.254, secret: env:A } }", "link-local"),
        ("destinations: { a: { kind: webhook, url: 'http://127.0.0.1.evil.example', secret: env:A } }", "plain http"),
        ("destinations: { a: { kind: webhook, url: 'https://[::1]:99999', secret: env:A } }", "expected an address"),
        ("destinations: { a: { kind: slack, url: env:A, base_url: http://10.0.0.1 } }", "plain http"),
        ("destinations: { a: { kind: slack, url: env:A, timeout: 1h } }", "too long"),
        ("destinations: { a: { kind: slack, url: env:A, rate: 0/1s } }", "expected a rate"),
        ("destinations: { a: { kind: slack, url: env:A, concurrency: 0 } }", "from 1 to 1000"),
        ("destinations: { a: { kind: slack, url: env:A, order: random } }", "one of subject, object, none"),
        ("destinations: { a: { kind: slack, url: env:A, insecure: yes } }", "expected true or false, found \"yes\""),
        ("destinations: { a: { kind: http, url: https://a.example } }", "destinations.a.actions: missing"),
        ("destinations: { a: { kind: http, url: https://a.example, actions: {} } }", "declares no action"),
        ("destinations: { a: { kind: http, url: https://a.example, actions: { X: { path: /x } } } }", "a name of a-z"),
        ("destinations: { a: { kind: http, url: https://a.example, actions: { x: {} } } }", "x.path: missing"),
        ("destinations: { a: { kind: http, url: https://a.example, actions: { x: { path: y } } } }", "begins with /"),
        (
            "destinations: { a: { kind: http, url: https://a.example, headers: { Authorization: x }, actions: { x: { path: /y } } } }",
            "plain text is refused"
        ),
        (
            "destinations: { a: { kind: http, url: https://a.example, actions: { x: { path: /y, success: 600 } } } }",
            "a status like 200"
        ),
        (
            "destinations: { a: { kind: http, url: https://a.example, actions: { x: { path: /y, class: keyed } } } }",
            "keyed needs its keys"
        ),
        (
            "destinations: { a: { kind: http, url: https://a.example, actions: { x: { path: /y, class: { keyed: { header: K } } } } } }",
            "keyed.lifetime: missing"
        ),
        (
            "destinations: { a: { kind: http, url: https://a.example, actions: { x: { path: /y, method: SEND } } } }",
            "one of POST, PUT"
        ),
        ("flows: { a: b }", "expected a list of flows, found a map"),
        ("flows: [x]", "flows[0]: expected a map"),
        ("flows: [{ on: chat_started, do: hook.send }]", "flows[0].name: missing"),
        ("flows: [{ name: ü, on: chat_started, do: hook.send }]", "write an id too"),
        ("flows: [{ id: A, on: chat_started, do: hook.send }]", "flows[0].id: expected an id"),
        ("flows: [{ id: a, do: hook.send }]", "flows[0].on: missing"),
        ("flows: [{ id: a, on: [], do: hook.send }]", "names no event type"),
        ("flows: [{ id: a, on: chat_started }]", "flows[0].do: missing"),
        ("flows: [{ id: a, on: chat_started, do: [] }]", "names no action"),
        ("flows: [{ id: a, on: chat_started, do: hook }]", "expected destination.action"),
        ("flows: [{ id: a, on: chat_started, do: { as: b } }]", "do.do: missing"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, rollout: canary }]", "canary 25%"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, rollout: canary 101% }]", "canary 25%"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, on_dead: die }]", "one of continue, stop"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, on_unknown: x }]", "one of repeat, hold"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, priority: high }]", "from -100 to 100"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, after: -1s }]", "a duration"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, retry: { attempts: 0 } }]", "retry.attempts"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: [] }]", "a map of conditions"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: { amount: 1 } }]", "expected a path like $.amount"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: { $.a: { gte: x } } }]", "expected a number"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: { $.a: { in: x } } }]", "a list of values"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: { $.a: { is: x } } }]", "did you mean \"in\"?"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: { $.a: $.b } }]", "not with a path"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: { $.a: { exists: 1 } } }]", "true or false"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: { x: $event.sesion } }]", "did you mean \"session\"?"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: { x: $user.id } }]", "expected a path"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: { x: '{{ email }}' } }]", "expected a path"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: { x: [a] } }]", "found a list"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: { x: } }]", "empty text is written"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: { x: 1, x: 2 } }]", "given twice"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, set: }]", "expected a map of fields"),
        ("flows: [{ id: a, on: chat_started, do: hook.send, when: }]", "a map of conditions"),
        ("retry: { first: 2h, longest: 1h }", "longest is shorter than first"),
        ("retry: { first: 2d, longest: 3d, give_up: 1d }", "give_up is shorter than first"),
        ("retry: { factor: 0.5 }", "a number from 1 to 10"),
        ("retry: { factor: nan }", "a number from 1 to 10"),
        ("retention: { raw: 1s }", "too short"),
        ("retention: { events: 99999d }", "too long"),
        ("enrich_for: soon", "a duration"),
        ("types: { payment_succeeded: {} }", "a type of Throughline's own"),
        ("types: { Trial: {} }", "expected a name of a-z"),
        ("types: { trial: { fields: { a: string } } }", "expected one of text"),
        ("types: { trial: { fields: { plan: text }, required: [plna] } }", "did you mean \"plan\"?"),
        ("alerts: { to: hok }", "did you mean \"hook\"?"),
        ("alerts: { to: hook.sned }", "name the action that carries the alert: hook.send"),
        ("alerts: { failed_work: 1 }", "a share like 1%"), ("alerts: { reconciled: 101% }", "a share like 1%"),
        ("alerts: { attempts: 2 }", "a whole number from 3"), ("alerts: { remind: 1m }", "too short"),
        ("alerts: { dead_letters: maybe }", "expected one of on, off"), ("logs: xml", "expected one of text, json"),
        ("traces: { headers: {} }", "missing"), ("traces: { endpoint: gopher://x }", "expected"),
        ("sources: { throughline: { kind: events, secrets: env:A } }", "the source of the server's own alerts"),
        ("destinations: { m: { kind: email, from: a@b.c } }", "missing"),
        ("destinations: { m: { kind: email, host: h, from: nobody } }", "an address like ops@example.com"),
        ("destinations: { m: { kind: email, host: h, from: a@b.c, user: u } }", "user and password go together"),
        ("destinations: { m: { kind: email, host: h, from: a@b.c, security: none } }", "mail in the open"),
        ("destinations: { p: { kind: pagerduty, routing_key: abc } }", "a secret in plain text is refused"),
        ("http: &a { port: 1 }", "anchors and aliases"),
        ("http: !web { port: 1 }", "tags"),
        ("http: { <<: { port: 1 } }", "merges"),
        ("http: { [a]: 1 }", "a key is text"),
        ("http: { port: 1", "not YAML"),
        ("http: *web", "not YAML"),
        ("---\nproduct: b", "not YAML"),
        ("product: Other", "product: given twice, first on line 1"),
        ("'product': Other", "product: given twice, first on line 1"),
    ]

    @Test(arguments: wrongForms) func `has one problem for each wrong form`(form: String, part: String) {
        // A destination that flows can name stands in each file that has none of its own.
        let hook = "destinations: { hook: { kind: webhook, url: https://acme.example, secret: env:H } }\n"
        let text = "product: Acme\n" + (form.hasPrefix("destinations") ? "" : hook) + form
        let reading = read(text)
        #expect(reading.settings == nil)
        #expect(reading.errors.count == 1, "\(reading.problems)")
        #expect(reading.errors.first?.description.contains(part) == true, "\(reading.problems)")
        #expect(reading.errors.allSatisfy { $0.line >= 1 && $0.column >= 1 })
    }

    @Test func `warns of a destination that nothing uses, and still reads`() {
        let reading = read("product: A\ndestinations:\n  team: { kind: slack, url: env:S }")
        #expect(
            reading.problems.map(\.description) == [
                "throughline.yaml:3:3: warning: destinations.team: no flow and no alert uses this destination"
            ])
        #expect(reading.settings != nil)
    }

    @Test(arguments: [
        ("product: A\nhttp:\n\tport: 1", 3, 1), ("product: A\nhttp: { port: 1\n", 3, 1),
        ("product: A\n  port: 1", 2, 7), ("product: A\nab\u{1}c: 1", 2, 3), ("product: A\nx: *nobody", 2, 4),
    ])
    func `that is no YAML says where`(text: String, line: Int, column: Int) {
        let problems = read(text).problems
        #expect(problems.map(\.line) == [line], "\(problems)")
        #expect(problems.map(\.column) == [column], "\(problems)")
        #expect(problems.allSatisfy { $0.message.hasPrefix("this is not YAML: ") })
    }

    @Test func `is refused above its size`() {
        let text = "product: A\n#" + String(repeating: "x", count: SettingsFile.sizeMax)
        #expect(read(text).problems.map(\.message) == ["the file is larger than 1024 KiB"])
    }

    @Test func `is refused beyond its counts and depth`() {
        let types = (0...500).map { "  t\($0): {}\n" }.joined()
        #expect(read("product: A\ntypes:\n" + types).errors.map(\.message) == ["more than 500 event types"])
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(read("product: A\nflows: \(deep)").errors.contains { $0.message.contains("nested deeper than 32") })
        let bottomless = String(repeating: "[", count: 100_000)
        #expect(read("product: A\nflows: \(bottomless)").settings == nil)
        let many = String(repeating: "- a\n", count: 60_000)
        #expect(read("product: A\nflows:\n" + many).errors.contains { $0.message.contains("more than 50000 values") })
    }

    @Test func `expands no alias, however many`() {
        let bomb = (1...40).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
        let reading = read("product: A\na0: &a0 x\n" + bomb)
        #expect(reading.errors.contains { $0.message.contains("anchors and aliases") })
    }

    @Test func `checks the actions that an http destination declares`() {
        let text = """
            product: A
            destinations: { api: { kind: http, url: https://a.example, actions: { create: { path: /x } } } }
            flows: [{ id: a, on: chat_started, do: api.creat }]
            """
        let reading = SettingsFile.read(text: text, file: "t.yaml")
        #expect(
            reading.problems.map(\.description) == [
                "t.yaml:3:40: flows[0].do: api, a http destination, has no action \"creat\"; did you mean \"create\"?"
            ])
    }
}
