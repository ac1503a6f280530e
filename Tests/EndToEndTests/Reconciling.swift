import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    @Suite struct `What providers say` {
        private func object(_ outcome: ServerProcess.Outcome) throws -> [JSONObject] {
            try outcome.output.split(separator: "\n").map { try JSONObject(parsing: Array($0.utf8)) }
        }

        @Test func `is held against the journal and mended, with a server and without one`() async throws {
            try await Stage.set { stage in
                let past = Stage.time.now - .seconds(3600)
                let purchase = StripePurchase(
                    tag: "lost", email: "lost@example.com", name: "Ada", amount: 4900, startedAt: past)
                let events = [purchase.paymentSucceeded(at: past), purchase.chargeSucceeded(at: past)]
                _ = stage.standIns.change("stripe", as: StripeStandIn.self) { stripe in
                    for event in events { stripe.record(event) }
                }
                // Without a server: found, and not mended without a word.
                let found = try await stage.server.run("reconcile", "--source", "stripe", "--json")
                #expect(found.status == 1, "\(found)")
                let run = try #require(try object(found).first)
                #expect(run["by_cause"]?["never_arrived"]?["open"] == 2, "\(found)")
                let mute = try await stage.server.run("reconcile", "--source", "stripe", "--repair")
                #expect(mute.status == 2 && mute.errors.contains("--yes"), "\(mute)")
                let plan = try await stage.server.run("reconcile", "--source", "stripe", "--repair", "--dry-run")
                #expect(plan.status == 1 && plan.output.contains("never_arrived"), "\(plan)")

                try await stage.server.start()
                let mended = try await stage.server.run("reconcile", "--source", "stripe", "--repair", "--yes")
                #expect(mended.status == 0 && mended.output.contains("2 repaired"), "\(mended)")
                try await stage.settle()
                #expect(stage.contacts.map { $0.properties["email"] } == ["lost@example.com"])
                let trail = try await stage.server.run("trace", purchase.paymentIntentID)
                #expect(trail.output.contains("recovered by reconciliation"), "\(trail)")

                let again = try await stage.server.run("reconcile", "--source", "stripe")
                #expect(again.status == 0, "\(again)")
                let all = try await stage.server.run("reconcile", "list", "--json")
                #expect(try object(all).count >= 4 && all.status == 0)
                let id = try #require(run["id"]?.string)
                let shown = try await stage.server.run("reconcile", "show", id)
                #expect(shown.output.contains(events[0].id), "\(shown)")
                let old = try await stage.server.run("reconcile", "repair", id, "--yes")
                #expect(old.status == 1 && old.errors.contains("newer"), "\(old)")
                #expect(try await stage.server.run("reconcile", "--source", "nowhere").status == 1)

                _ = stage.standIns.change("stripe", as: StripeStandIn.self) { $0.keys = [] }
                let refused = try await stage.server.run("reconcile", "--source", "stripe")
                #expect(refused.status == 3 && refused.errors.contains("api_key"), "\(refused)")
            }
        }

        @Test func `and what is kept is exported, shown by its age, and let go of`() async throws {
            try await Stage.set { stage in
                try await stage.server.start()
                for number in 0..<30 { #expect(await stage.deliver(Stage.lead(number)) == 200) }
                try await stage.settle()
                let file = stage.server.folder.file("one.ndjson")
                let one = try await stage.server.run("export", "--id", "lead7@example.com", "--out", file)
                #expect(one.status == 0, "\(one)")
                let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
                    .map { try JSONObject(parsing: Array($0.utf8)) }
                let kinds = Set(lines.compactMap { $0["kind"]?.string })
                #expect(
                    kinds.isSuperset(of: ["subject", "identifier", "state", "fact", "record", "event", "job", "end"]))
                #expect(lines.last?["kind"] == "end")
                #expect(
                    lines.first { $0["kind"] == "event" }?["payload"]?.string?.contains("lead7@example.com") == true)
                #expect(!lines.contains { $0.encodedText.contains("lead8@example.com") })
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                #expect(try await stage.server.run("export", "--id", "lead7@example.com", "--out", file).status == 2)
                let all = try await stage.server.run("export", "--since", "1h")
                #expect(all.output.split(separator: "\n").filter { $0.contains("\"kind\":\"event\"") }.count == 30)
                #expect(try await stage.server.run("export", "--id", "nobody@example.com").status == 1)
                #expect(try await stage.server.run("export").status == 2)

                let plan = try await stage.server.run("retention", "--json")
                let object = try JSONObject(parsing: Array(plan.output.utf8))
                #expect(object["now"]?["events"] == 0 && object["raw_days"] == 90, "\(plan)")
                let now = try await stage.server.run("retention", "--now", "--yes", "--json")
                #expect(now.status == 0 && now.output.contains("\"events\":0"), "\(now)")
            }
        }
    }
}
