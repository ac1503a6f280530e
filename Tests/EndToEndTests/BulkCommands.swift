import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    @Suite struct `Bulk commands` {}
}

extension `The whole product`.`Bulk commands` {
    @Test func `show their plan, ask, and change no more than they are told`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            #expect(try await stage.server.run("destinations", "pause", "crm").status == 0)
            for number in 1...3 { #expect(await stage.deliver(Stage.lead(number)) == 200) }
            try await eventually("three jobs wait", within: 10) { try await stage.openJobs() == 3 }
            let plan = try await stage.server.run("jobs", "cancel", "--destination", "crm", "--limit", "2", "--dry-run")
            #expect(plan.status == 0 && plan.output.contains("2 jobs would be cancelled, of 3 that match."), "\(plan)")
            let unanswered = try await stage.server.run("jobs", "cancel", "--destination", "crm", "--limit", "2")
            #expect(unanswered.status == 2 && unanswered.errors.contains("--yes"), "\(unanswered)")
            #expect(try await stage.openJobs() == 3)
            let done = try await stage.server.run(
                "jobs", "cancel", "--destination", "crm", "--limit", "2", "--yes", "--json")
            #expect(done.output.contains("{\"changed\":2}"), "\(done)")
            #expect(try await stage.openJobs() == 1)
            #expect(try await stage.server.run("jobs", "cancel", "--limit", "0").status == 2)
            #expect(try await stage.server.run("dead", "cancel", "--destination", "crm").status == 2)
        }
    }

    @Test func `read all of the quarantine again, past one that still is no event`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            for (id, type) in [("kept-1", "moon_landed"), ("kept-2", "sun_risen")] {
                #expect(try await stage.server.run("emit", type, "session=s", "id=\(id)", "a=b").status == 2)
            }
            let path = stage.server.folder.file("throughline.yaml")
            let old = try String(contentsOfFile: path, encoding: .utf8)
            try stage.server.write(old + "\ntypes:\n  moon_landed: { fields: { a: text } }\n", to: "throughline.yaml")
            #expect(try await stage.server.run("config", "check").status == 0)
            try await stage.server.reload()
            let replay = try await stage.server.run("quarantine", "replay", "--yes", "--json")
            #expect(replay.status == 1, "one is refused: \(replay)")
            let lines = try replay.output.split(separator: "\n").map { try JSONObject(parsing: Array($0.utf8)) }
            #expect(lines.compactMap { $0["status"]?.string }.sorted() == ["accepted", "refused"], "\(replay)")
            let rest = try await stage.server.run("quarantine", "replay", "--dry-run", "--json")
            #expect(rest.output.contains("{\"count\":1}"), "\(rest)")
        }
    }

    @Test func `a reload says which changes wait for a restart`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            let path = stage.server.folder.file("throughline.yaml")
            let old = try String(contentsOfFile: path, encoding: .utf8)
            try stage.server.write(
                old.replacing("throughline.db", with: "other.db").replacing(
                    "port: \(stage.server.port)", with: "port: 1"), to: "throughline.yaml")
            try await stage.server.reload()
            #expect(stage.server.log.contains("wait for a restart"))
            #expect(stage.server.log.contains("journal, http.port"), "\(stage.server.log.suffix(400))")
            #expect(await stage.server.status("/readyz") == 200)
        }
    }
}
