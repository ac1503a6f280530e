import Crypto
import Intake
import Model
import Settings
import TestKit
import Testing

@Suite struct `A signature` {
    private let body = Array(#"{"id":"evt_1","object":"event","type":"x.y","livemode":false}"#.utf8)
    private let map = PayloadMap(type: Path(steps: ["type"]), types: [:])

    private func refusal(
        _ delivery: InboundDelivery, _ kind: SourceKind = .stripe(payments: .intents),
        secrets: [String] = [Sender.stripeSecret], at now: Instant = Sender.now
    ) -> SignatureRefusal.Code? {
        Sender.reader(kind, secrets: secrets).read(delivery, at: now, mint: Sender.mint()).refusal?.code
    }

    private func headers(_ lines: [(String, String)]) -> InboundDelivery {
        InboundDelivery(headers: HeaderList(lines.map { ($0.0, $0.1) }), body: body)
    }

    @Test func `of any live secret is taken, so that rotation drops nothing`() {
        let old = Sender.stripe(body, secret: "whsec_old")
        #expect(refusal(old, secrets: ["whsec_new", "whsec_old"]) == nil)
        #expect(refusal(old, secrets: ["whsec_new"]) == .mismatch)
    }

    @Test func `is taken from among several in one header`() {
        let good = Sender.stripe(body).headers.lines[0].value
        let bad = "v1=" + String(repeating: "0", count: 64)
        let mixed = good.replacing(",", with: ",\(bad),zz,v1=xyz,")
        #expect(refusal(headers([("stripe-signature", mixed)])) == nil)
    }

    @Test func `is refused from too long ago and from too far ahead, to the second`() {
        let delivery = Sender.stripe(body)
        #expect(refusal(delivery, at: Sender.now + .seconds(300)) == nil)
        #expect(refusal(delivery, at: Sender.now + .seconds(301)) == .stale)
        #expect(refusal(delivery, at: Sender.now - .seconds(300)) == nil)
        #expect(refusal(delivery, at: Sender.now - .seconds(301)) == .future)
    }

    @Test func `that is wrong says nothing of the clock`() {
        let delivery = Sender.stripe(body, secret: "whsec_other")
        #expect(refusal(delivery, at: Sender.now + .seconds(9999)) == .mismatch)
    }

    @Test func `that stands twice is refused, and so is its time`() {
        let line = Sender.stripe(body).headers.lines[0]
        #expect(refusal(headers([(line.name, line.value), ("STRIPE-SIGNATURE", line.value)])) == .repeated)
        let key = SymmetricKey(size: .bits256)
        var lines = Sender.standard(body, key: key, id: "m1").headers.lines
        lines.append(("Webhook-Timestamp", lines[1].value))
        #expect(
            refusal(
                InboundDelivery(headers: HeaderList(lines), body: body), .standard(map),
                secrets: [Sender.standardSecret]) == .repeated)
    }

    @Test(arguments: [
        "", "t=1", "v1=00", "t=x,v1=00", "t=-5,v1=00", "t=1,t=1,v1=00", "t=1,v1=0", "t=1,v0=00", "nonsense",
        "t=99999999999999999999,v1=00", ",,,=,=,", "t=1,v1=",
    ])
    func `that cannot be read is refused`(header: String) {
        let code = refusal(headers([("Stripe-Signature", header)]))
        #expect(code == .malformed || (header.hasSuffix("v1=") && code == .mismatch))
    }

    @Test func `from the ends of time neither wraps around nor traps`() {
        for (digits, expected) in [
            ("999999999999999", SignatureRefusal.Code.future), ("999999999999999999", .malformed), ("0", .stale),
        ] {
            let signature = Sender.hex(Sender.mac(Sender.stripeSecret, Array("\(digits).".utf8) + body))
            #expect(refusal(headers([("Stripe-Signature", "t=\(digits),v1=\(signature)")])) == expected)
        }
    }

    @Test func `is missing where its header is`() {
        #expect(refusal(headers([])) == .missing)
        #expect(refusal(headers([]), .zendesk, secrets: ["s"]) == .missing)
        #expect(refusal(headers([]), .events, secrets: [Sender.standardSecret]) == .missing)
    }

    @Test func `fits no secret that cannot be one`() {
        #expect(refusal(Sender.stripe(body), secrets: []) == .noSecret)
        #expect(refusal(Sender.stripe(body, secret: ""), secrets: ["  \n"]) == .noSecret)
        #expect(refusal(headers([]), .events, secrets: ["whsec_"]) == .noSecret)
        #expect(refusal(headers([]), .events, secrets: ["whsec_not base64!"]) == .noSecret)
    }

    @Test(arguments: [" %@", "%@\n", "\t%@\r\n"])
    func `fits a secret with white space around it`(pattern: String) {
        let secret = pattern.replacing("%@", with: Sender.stripeSecret)
        #expect(refusal(Sender.stripe(body), secrets: [secret]) == nil)
    }

    @Test(arguments: 0..<20)
    func `fits what was signed and nothing that differs in one byte`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let length = Int.random(in: 1...300, using: &generator)
            let body = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let keyBytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let secret = "whsec_" + Base64.encode(keyBytes)
            let reader = Sender.reader(.events, secrets: [secret])
            let sent = Sender.standard(body, key: SymmetricKey(data: keyBytes), id: "m_\(seed)")
            let whole = reader.read(sent, at: Sender.now, mint: Sender.mint())
            #expect(whole.refusal == nil, "seed \(seed)")
            var changed = body
            let place = Int.random(in: 0..<length, using: &generator)
            changed[place] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
            let twin = InboundDelivery(headers: sent.headers, body: changed)
            #expect(
                reader.read(twin, at: Sender.now, mint: Sender.mint()).refusal?.code == .mismatch, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<20)
    func `is looked for in any garbage without a trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let names = [
            "Stripe-Signature", "webhook-id", "webhook-timestamp", "webhook-signature", "svix-signature", "X-Sig",
            "X-Time", "X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp",
        ]
        let alphabet = Array("tv1=,; 0aZ+/é\u{0}-:")
        let scheme = HMACScheme(header: "X-Sig", prefix: "v1=", timestamp: .init(header: "X-Time", unit: .milliseconds))
        let readers = [
            Sender.reader(.stripe(payments: .intents), secrets: ["s"]), Sender.reader(.zendesk, secrets: ["s"]),
            Sender.reader(.events, secrets: [Sender.standardSecret]),
            Sender.reader(.hmac(scheme, id: Path(steps: ["id"]), map), secrets: ["s"]),
        ]
        for _ in 0..<200 {
            let lines = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                let text = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                }
                return (name: names.randomElement(using: &generator) ?? "", value: String(text))
            }
            let delivery = InboundDelivery(headers: HeaderList(lines), body: body)
            for reader in readers {
                #expect(
                    reader.read(delivery, at: Sender.now, mint: Sender.mint()).refusal != nil, "seed \(seed): \(lines)")
            }
        }
    }
}

@Suite struct `A signature that fits no secret` {
    private let value: JSONValue = [
        "id": "evt_1", "type": "x", "livemode": false, "list": [1, ["a": "b"]], "none": [],
    ]

    private func hints(signed: [UInt8], arrived: [UInt8], secret: String = Sender.stripeSecret) -> String {
        let reader = Sender.reader(.stripe(payments: .intents), secrets: [secret])
        let headers = Sender.stripe(signed).headers
        return reader.hints(for: InboundDelivery(headers: headers, body: arrived)).joined(separator: "\n")
    }

    private static let compact = #"{"id":"evt_1","type":"x","livemode":false,"list":[1,{"a":"b"}],"none":[]}"#
    private static let indented = """
        {
          "id": "evt_1",
          "type": "x",
          "livemode": false,
          "list": [
            1,
            {
              "a": "b"
            }
          ],
          "none": []
        }
        """

    @Test(arguments: [
        (compact, compact + "\n"), (compact + "\n", compact), (compact, indented), (indented, compact),
        (#"{"id": "evt_1", "n": [1, 2]}"#, #"{"id":"evt_1","n":[1,2]}"#),
    ])
    func `is told when the body was written anew on the way`(signed: String, arrived: String) {
        #expect(hints(signed: Array(signed.utf8), arrived: Array(arrived.utf8)).contains("changed on the way"))
    }

    @Test func `is not said to have changed when its secret is another`() {
        let body = value.encoded
        let found = hints(signed: body, arrived: body, secret: "whsec_other")
        #expect(!found.contains("changed on the way"))
        #expect(found.contains("a test event"))
    }

    @Test(arguments: [
        ("sk_live_123", "API key"), ("whsec_x\n", "line end around it"), ("whsec_x y", "inside it"),
        ("something", "whsec_"),
    ])
    func `is told what is odd about the secret, without the secret`(secret: String, hint: String) {
        let body = value.encoded
        let found = hints(signed: body, arrived: Array(body.dropLast()), secret: secret)
        #expect(found.contains(hint))
        #expect(!found.contains(secret))
    }

    @Test func `is told when fewer bytes came than were announced`() {
        let reader = Sender.reader(.stripe(payments: .intents), secrets: ["whsec_other"])
        let lines = Sender.stripe(value.encoded).headers.lines + [("Content-Length", "9")]
        let found = reader.hints(for: InboundDelivery(headers: HeaderList(lines), body: value.encoded))
        #expect(found.contains { $0.contains("Content-Length says 9") })
    }
}
