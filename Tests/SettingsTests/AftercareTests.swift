import Model
import Settings
import Testing

@Suite struct `Reconciliation and receipts in the configuration` {
    private func settings(_ text: String) throws -> Settings {
        let reading = read("product: A\n" + text)
        return try #require(reading.settings, "\(reading.problems.map(\.description))")
    }

    private func problems(_ text: String) -> [String] { read("product: A\n" + text).errors.map(\.message) }

    @Test func `have defaults that need nothing to be said`() throws {
        let settings = try settings("")
        #expect(settings.reconcile == ReconcileSettings())
        #expect(settings.reconcile.every == .seconds(86_400))
        #expect(settings.receipts == ReceiptSettings() && settings.receipts.origins.isEmpty)
    }

    @Test func `say how often, how far back, and how young is too young`() throws {
        let reconcile = try settings("reconcile: { every: 6h, since: 14d, settle: 30m }").reconcile
        #expect(
            reconcile
                == ReconcileSettings(every: .seconds(21_600), reach: .seconds(14 * 86_400), settle: .seconds(1800)))
        #expect(try settings("reconcile: { every: off }").reconcile.every == nil)
        #expect(problems("reconcile: { every: never }").count == 1)
        #expect(problems("reconcile: { evry: 1d }").first?.contains("every") == true)
    }

    @Test func `name the origins that a browser sends, and no address with a path`() throws {
        let receipts = try settings(
            "receipts: { contact: help@acme.example, slow_after: 1m, origins: [https://Acme.example, http://127.0.0.1:3000], expires: 1d }"
        ).receipts
        #expect(receipts.origins == ["https://acme.example", "http://127.0.0.1:3000"])
        #expect(receipts.contact == "help@acme.example" && receipts.slowAfter == .seconds(60))
        #expect(try settings("receipts: { origins: https://acme.example }").receipts.origins.count == 1)
        for wrong in ["https://acme.example/chat", "http://acme.example", "acme.example", "'*'"] {
            #expect(problems("receipts: { origins: \(wrong) }").count == 1, "\(wrong)")
        }
    }

    @Test func `take Stripe's key as a secret only, and its address only with it`() throws {
        let source = "sources: { stripe: { kind: stripe, secrets: [env:A]"
        let api = try settings("\(source), api_key: env:K, base_url: 'http://127.0.0.1:9000/stripe' } }").sources[0].api
        #expect(api == ProviderAPI(key: .environment("K"), baseURL: "http://127.0.0.1:9000/stripe"))
        #expect(try settings("\(source) } }").sources[0].api == nil)
        #expect(problems("\(source), api_key: rk_live_1 } }").count == 1)
        #expect(problems("\(source), base_url: 'https://x.example' } }").count == 1)
        #expect(problems("sources: { z: { kind: zendesk, secrets: [env:A], api_key: env:K } }").count == 1)
    }
}
