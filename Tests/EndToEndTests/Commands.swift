import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

extension `The whole product`.Commands {
    @Test func `init writes a configuration that the check finds sound`() async throws {
        let folder = try ServerProcess()
        let written = try await folder.run("init")
        #expect(written.status == 0, "\(written)")
        let path = folder.folder.file(".env")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // What only the user can know: the provider's secret.
        let environment = try String(contentsOfFile: path, encoding: .utf8)
            .replacing("STRIPE_WEBHOOK_SECRET=", with: "STRIPE_WEBHOOK_SECRET=whsec_of_the_dashboard")
        try folder.write(environment, to: ".env")
        let check = try await folder.run("config", "check")
        #expect(check.status == 0, "\(check)")
        // What nobody gets to see is no success.
        let full = try await Program.run(
            "/bin/sh", ["-c", "'\(ServerProcess.binary.path)' config check >/dev/full"], folder: folder.folder.path)
        #expect(full.status == 3 && full.errors.contains("No space left on device"), "\(full)")
        #expect(try await folder.run("init").output.contains("is there already"))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == environment)
    }

    @Test func `events are sent and traced with a server and without one`() async throws {
        try await Stage.set { stage in
            let lead = ["email=ada@example.com", "firstname=Ada"]
            let alone = try await stage.server.run(
                "emit", "lead_captured", lead[0], lead[1], "session=sess_1", "id=one")
            #expect(alone.status == 0, "\(alone)")
            #expect(alone.output.contains("accepted"))
            let again = try await stage.server.run(
                "emit", "lead_captured", lead[0], lead[1], "session=sess_1", "id=one")
            #expect(again.status == 0 && again.output.contains("duplicate"), "\(again)")
            let early = try await stage.server.run("trace", "ada@example.com", "--json")
            #expect(early.status == 0 && early.output.contains("lead_captured"), "\(early)")
            #expect(stage.contacts.isEmpty, "jobs wait for the server")

            try await stage.server.start()
            let beside = try await stage.server.run("emit", "chat_started", "session=sess_1", "id=two", "--json")
            #expect(beside.status == 0, "\(beside)")
            #expect(try JSONValue(parsing: Array(beside.output.utf8))["status"]?.string == "accepted")
            try await stage.settle()
            #expect(stage.contacts.count == 1)
            let trail = try await stage.server.run("trace", "sess_1", "--json")
            let items = try JSONValue(parsing: Array(trail.output.utf8))["items"]?.array ?? []
            #expect(items.filter { $0["kind"]?.string == "event" }.count == 2, "\(trail)")
            #expect(try await stage.server.run("trace", "sess_1").output.contains("lead_captured"))
        }
    }

    @Test func `a key is made, works for its scope and no other, and ends when it is revoked`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            let made = try await stage.server.run("keys", "create", "--scope", "read")
            let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(made.status == 0 && key.hasPrefix("tl_"), "\(made)")
            func get() async throws -> Int {
                try await stage.server.send("GET", "/v1/events", headers: [.init("authorization", "Bearer \(key)")])
                    .status
            }
            #expect(try await get() == 200)
            let elsewhere = try await stage.server.run("keys", "list", "--server", stage.server.base, "--key", key)
            #expect(elsewhere.status == 2, "read is not admin: \(elsewhere)")
            #expect(try await stage.server.run("keys", "revoke", key).status == 0)
            #expect(try await get() == 401)
        }
    }

    @Test func `exit codes tell an unknown id, a bad configuration and an absent server apart`() async throws {
        try await Stage.set { stage in
            let unknown = try await stage.server.run("trace", "nobody@example.com")
            #expect(unknown.status == 1)
            let forMachines = try await stage.server.run("trace", "nobody@example.com", "--json")
            let error = try JSONObject(parsing: Array(forMachines.errors.utf8))["error"]?.object
            #expect(forMachines.status == 1 && forMachines.output.isEmpty && error?["code"] == "not_found")
            #expect(unknown.errors.contains("error: "))
            let absent = try await stage.server.run("trace", "x", "--server", "http://127.0.0.1:1", "--key", "tl_x")
            #expect(absent.status == 3, "\(absent)")
            #expect(try await stage.server.run("trace").status == 2)

            try stage.server.write("product: Acme\nsorces: {}\n", to: "throughline.yaml")
            let serve = try await stage.server.run("serve")
            #expect(serve.status == 2)
            #expect(serve.errors.contains("throughline.yaml:2") && serve.errors.contains("sources"), "\(serve)")
            #expect(try await stage.server.run("config", "check").status == 1)
            let folder = try await stage.server.run("config", "check", "--config", stage.server.folder.path)
            #expect(folder.errors.contains("is a folder"), "\(folder)")
            try Data([0x70, 0xFF, 0xFE]).write(to: URL(filePath: stage.server.folder.file("throughline.yaml")))
            #expect(try await stage.server.run("config", "check").errors.contains("no UTF-8"))
        }
    }

    @Test func `one server at a time, a backup while it runs, and an orderly end`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            #expect(await stage.deliver(Stage.lead(1)) == 200)
            try await stage.settle()
            let second = try await stage.server.run("serve")
            #expect(second.status == 3, "\(second)")
            #expect(second.errors.contains("error: ") && second.errors.contains("throughline.db"), "\(second)")
            #expect(await stage.server.status("/readyz") == 200, "the first one is not disturbed")

            let backup = try await stage.server.run("backup", "copy.db")
            #expect(backup.status == 0, "\(backup)")
            #expect(try await stage.server.stop() == 0)
            #expect(!FileManager.default.fileExists(atPath: stage.server.folder.file(".throughline/server.json")))

            let configuration = try String(
                contentsOfFile: stage.server.folder.file("throughline.yaml"), encoding: .utf8)
            try stage.server.write(configuration.replacing("throughline.db", with: "copy.db"), to: "copy.yaml")
            let trail = try await stage.server.run("trace", "lead1@example.com", "--config", "copy.yaml")
            #expect(trail.status == 0 && trail.output.contains("lead_captured"), "\(trail)")
        }
    }
}
