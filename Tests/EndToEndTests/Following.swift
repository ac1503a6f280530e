import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    @Suite struct Following {}
}

extension `The whole product`.Following {
    @Test func `tail tells events and jobs as they happen, waits for a restarted server and goes on from there`()
        async throws
    {
        try await Stage.set { stage in
            let early = try await stage.server.run("tail")
            #expect(early.status == 3)
            #expect(early.errors.contains("throughline serve"))
            try await stage.server.start()
            let tail = try stage.server.begin("tail", "--json")
            func told(_ what: String) throws -> Bool { try tail.output().contains(what) }
            // It begins with what happens from now on, so the first lead waits for it.
            try await eventually("the tail follows", within: 10) {
                _ = await stage.deliver(Stage.lead(Int.random(in: 1000...9999)))
                return try told("\"kind\":\"event\"")
            }
            try await eventually("a job's end is told", within: 10) { try told("\"state\":\"completed\"") }

            let start = ContinuousClock.now
            #expect(try await stage.server.stop() == 0)
            #expect(ContinuousClock.now - start < .seconds(10), "a follower does not hold the server")
            let alone = try await stage.server.run("emit", "lead_captured", "email=between@example.com", "id=between")
            #expect(alone.status == 0, "\(alone)")
            try await stage.server.start()
            try await eventually("what happened in between is told", within: 20) { try told("between@example.com") }
            try await stage.settle()
            try await eventually("its job too", within: 10) {
                let lines = try tail.output().split(separator: "\n")
                return Set(lines.filter { $0.contains("\"kind\":\"job\"") }).count >= 2
            }
            let ids = try tail.output().split(separator: "\n").compactMap {
                try JSONObject(parsing: Array($0.utf8))["event"]?["id"]?.string
            }
            #expect(Set(ids).count == ids.count, "no event is told twice")
            tail.end()
        }
    }

    @Test func `the metrics count what jobs did`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            #expect(await stage.deliver(Stage.lead(1)) == 200)
            try await stage.settle()
            _ = try await stage.server.api("POST", "/v1/destinations/desk/pause")
            #expect(await stage.deliver(Stage.escalation(1)) == 200)
            try await eventually("the complaint waits", within: 10) {
                try await stage.server.api("GET", "/v1/status")["open_jobs"]?["desk"] != nil
            }
            let local = try #require(LocalServer.find(folder: stage.server.folder.path))
            let answer = try await stage.server.send(
                "GET", "/metrics", headers: [.init("authorization", "Bearer \(local.credential.revealed)")])
            for line in [
                #"throughline_attempts_total{action="upsert_contact",destination="crm",outcome="succeeded"} 1"#,
                #"throughline_jobs_ended_total{action="upsert_contact",destination="crm",state="completed"} 1"#,
                #"throughline_attempt_seconds_count{destination="crm"} 1"#,
                #"throughline_open_jobs{destination="desk",state="available"} 1"#,
                #"throughline_destination_paused{destination="desk"} 1"#,
                #"throughline_destination_paused{destination="crm"} 0"#, "throughline_unplanned_age_seconds 0.0",
                "throughline_pending_events 0",
            ] { #expect(answer.text.contains(line + "\n"), "\(line)") }
        }
    }

    @Test func `a plan to forget counts what is erased then`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            #expect(await stage.deliver(Stage.lead(1)) == 200)
            try await stage.settle()
            let plan = try await stage.server.run("forget", "lead1@example.com", "--dry-run", "--json")
            #expect(plan.status == 0, "\(plan)")
            var planned = try JSONObject(parsing: Array(plan.output.utf8))
            #expect(planned["dry_run"] == true && planned["events"] == 1 && planned["jobs"] == 1)
            #expect(planned["identifiers"]?.int ?? 0 > 0)
            #expect(try await stage.server.run("trace", "lead1@example.com").status == 0, "nothing was erased")
            let done = try await stage.server.run("forget", "lead1@example.com", "--yes", "--json")
            #expect(done.status == 0, "\(done)")
            planned["dry_run"] = false
            #expect(try JSONObject(parsing: Array(done.output.utf8)) == planned)
            #expect(try await stage.server.run("trace", "lead1@example.com").status == 1)
        }
    }

    @Test func `commands find a server whose address could not be written at its start`() async throws {
        try await Stage.set { stage in
            // A file in the place of the folder stands for a disk on which nothing can be made.
            try stage.server.write("", to: ".throughline")
            let path = stage.server.folder.file(".throughline")
            try stage.server.launch()
            try await eventually("the server says so", within: 20) {
                stage.server.log.contains("commands do not find this server yet")
            }
            try FileManager.default.removeItem(atPath: path)
            try await stage.server.isReady()
            #expect(stage.server.log.ranges(of: "commands do not find this server yet").count == 1)
            #expect(try await stage.server.run("destinations", "list").status == 0)
        }
    }
}
