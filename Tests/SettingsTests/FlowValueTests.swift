import Model
import Settings
import Testing

private let scope = Scope(
    data: [
        "email": "ada@example.com", "amount": 4900, "rate": 0.5, "paid": true, "none": nil, "empty": "",
        "items": [["id": "i1"], ["id": "i2"]], "meta": ["order id": "o1"],
    ], event: ["session": "s1"], subject: ["payment": ["status": "succeeded"]], effect: ["key": "k1"])

@Suite struct `A path` {
    @Test(arguments: [
        ("$.email", "ada@example.com"), ("$event.session", "s1"), ("$subject.payment.status", "succeeded"),
        ("$effect.key", "k1"), ("$.items[1].id", "i2"), ("$.items.0.id", "i1"), ("$.meta['order id']", "o1"),
        ("$.meta[\"order id\"]", "o1"), ("$.amount", "4900"), ("$.paid", "true"), ("$.rate", "0.5"),
    ])
    func `leads to a value`(text: String, value: String) throws {
        #expect(try #require(Path(text)).value(in: scope)?.text == value)
    }

    @Test(arguments: ["$.nobody", "$.none", "$.items[2].id", "$.items.x", "$.email.x", "$event.email"])
    func `that leads nowhere is nil`(text: String) throws {
        #expect(try #require(Path(text)).value(in: scope) == nil)
    }

    @Test(arguments: [
        "", "email", "$email", "$.", "$..a", "$.a.", "$.a b", "$.a[", "$.a[]", "$.a[x]", "$.a['']", "$.a['b", "$$.a",
        "$.a[1]b c", "$Event.session", "$.{{a}}", "$.a[99999999999]",
    ])
    func `is refused in another form`(text: String) {
        #expect(Path(text) == nil)
    }

    @Test func `prints as it reads`() {
        for text in ["$.email", "$event.session", "$.items.0.id", "$"] {
            #expect(Path(text)?.description == text)
        }
    }
}

@Suite struct `A template` {
    @Test(arguments: [
        ("$.amount", 4900 as JSONValue?), ("lead", "lead"), ("$$5", "$5"), ("cost: $$5 or $6", "cost: $5 or $6"),
        ("{{ $.email }} paid {{$.amount}}", "ada@example.com paid 4900"), ("{{ $.amount }}", "4900"),
        ("to {{ $.nobody }}!", nil), ("{{ $.nobody }}{{ $.email }}", "ada@example.com"), ("$.nobody", nil),
        ("$.none", nil), ("a } b {c", "a } b {c"), ("", ""), ("$$.email", "$.email"),
        ("$event", ["session": "s1"] as JSONValue),
        ("{{ $.meta['order id'] }}", "o1"), ("$$$$", "$$"),
    ])
    func `is filled in from what the flow sees`(text: String, value: JSONValue?) throws {
        #expect(try Template(text: text).value(in: scope) == value)
    }

    @Test(arguments: ["$x", "$ 5", "{{ $.a", "{{ a }}", "{{}}", "{{ {{ $.a }} }}"])
    func `is refused where it is none`(text: String) {
        #expect(throws: TemplateTrouble.self) { try Template(text: text) }
    }

    @Test func `leaves out what is missing from objects and lists`() {
        let template = Template.object([
            .init(name: "a", value: .path(Path(steps: ["nobody"]))), .init(name: "b", value: .literal(1)),
            .init(name: "c", value: .array([.path(Path(steps: ["nobody"])), .literal("x")])),
        ])
        #expect(template.value(in: scope) == ["b": 1, "c": ["x"]])
    }

    @Test func `is cut at its limit`() throws {
        let long = String(repeating: "é", count: Limits.renderedTextMax)
        let text = try Template(text: "{{ $.x }}{{ $.x }}").value(in: Scope(data: ["x": .string(long)]))?.string
        #expect(text?.utf8.count == Limits.renderedTextMax)
    }
}

@Suite struct `A condition` {
    private func holds(_ when: String) throws -> Bool {
        let text =
            "product: A\ndestinations: { h: { kind: slack, url: env:S } }\n"
            + "flows: [{ id: a, on: chat_started, do: h.notify, when: { \(when) } }]"
        let reading = read(text)
        #expect(reading.problems == [])
        return try #require(reading.settings?.flows.first).when.holds(in: scope)
    }

    @Test(arguments: [
        "$.email: ada@example.com", "$.amount: 4900", "$.paid: true", "$.email: { eq: ada@example.com }",
        "$.email: { ne: x }", "$.amount: { gt: 4899 }", "$.amount: { gte: 4900 }", "$.amount: { lt: 4900.5 }",
        "$.amount: { lte: 4900 }", "$.email: { in: [x, ada@example.com] }", "$.amount: { in: [1, 4900] }",
        "$.email: { exists: true }", "$.nobody: { exists: false }", "$.empty: { exists: false }",
        "$.none: { exists: false }", "$.amount: { gte: 1, lt: 5000 }", "$.amount: { gt: 1 }, $.paid: true",
        "$subject.payment.status: succeeded", "'$.items[0].id': i1", "",
    ])
    func `holds`(when: String) throws {
        #expect(try holds(when))
    }

    @Test(arguments: [
        "$.email: x", "$.nobody: x", "$.nobody: { ne: x }", "$.email: { gt: 1 }", "$.nobody: { lt: 1 }",
        "$.amount: { gt: 4900 }", "$.amount: { lt: 4900 }", "$.amount: { in: [1] }", "$.email: { exists: false }",
        "$.empty: { exists: true }", "$.amount: { gte: 1, lt: 2 }", "$.paid: true, $.amount: 1", "$.paid: { gt: 0 }",
    ])
    func `does not hold, missing and mistyped included`(when: String) throws {
        #expect(try !holds(when))
    }

    @Test func `names the first clause that fails`() {
        let clause = Condition.Clause(path: Path(steps: ["amount"]), test: .less(1))
        let condition = Condition.all([.init(path: Path(steps: ["paid"]), test: .equals("true")), clause])
        #expect(condition.failure(in: scope) == clause)
    }
}
