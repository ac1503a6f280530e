import Foundation
import Settings
import Testing

@Suite struct `The configuration's documentation` {
    private func page(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    @Test(arguments: ["configuration.md", "flows.md"])
    func `shows examples that are valid`(name: String) throws {
        let blocks = try page(name).components(separatedBy: "```").filter { $0.hasPrefix("yaml\n") }
        #expect(!blocks.isEmpty)
        let destinations = """
            destinations:
              crm: { kind: hubspot, token: env:HUBSPOT_TOKEN }
              team: { kind: slack, url: env:SLACK_WEBHOOK_URL }
            """
        for block in blocks {
            var text = String(block.dropFirst(5))
            if !text.hasPrefix("product:") { text = "product: Acme\n" + text }
            if !text.contains("\ndestinations:") { text += destinations }
            #expect(read(text).errors.map(\.description) == [], "\(text)")
        }
    }

    @Test(arguments: [
        "zzzzzzzzz: 1", "http: { zzzzzzzzz: 1 }", "retry: { zzzzzzzzz: 1 }", "retention: { zzzzzzzzz: 1 }",
        "alerts: { zzzzzzzzz: 1 }", "reconcile: { zzzzzzzzz: 1 }", "receipts: { zzzzzzzzz: 1 }",
        "sources: { a: { kind: stripe, secrets: env:A, zzzzzzzzz: 1 } }",
        "sources: { a: { kind: hmac, secrets: env:A, zzzzzzzzz: 1 } }",
        "sources: { a: { kind: standard, secrets: env:A, map: { zzzzzzzzz: 1 } } }",
        "destinations: { a: { kind: hubspot, zzzzzzzzz: 1 } }", "destinations: { a: { kind: zendesk, zzzzzzzzz: 1 } }",
        "destinations: { a: { kind: webhook, zzzzzzzzz: 1 } }", "destinations: { a: { kind: http, zzzzzzzzz: 1 } }",
        "destinations: { a: { kind: http, actions: { a: { zzzzzzzzz: 1 } } } }", "flows: [{ zzzzzzzzz: 1 }]",
        "types: { a: { zzzzzzzzz: 1 } }", "console: { zzzzzzzzz: 1 }",
        "console: { sign_in: { a: { kind: oidc, zzzzzzzzz: 1 } } }",
        "console: { sign_in: { a: { kind: supabase, zzzzzzzzz: 1 } } }",
    ])
    func `names every key`(form: String) throws {
        let pages = try page("configuration.md") + page("flows.md")
        let message = try #require(
            read("product: A\n" + form).problems.first { $0.key.hasSuffix("zzzzzzzzz") }?.message)
        let keys = try #require(message.components(separatedBy: "; it has ").last).components(separatedBy: ", ")
        #expect(keys.count > 1)
        for key in keys { #expect(pages.contains("`\(key)`") || pages.contains("`\(key):"), "\(key)") }
    }
}
