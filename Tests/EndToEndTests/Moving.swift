import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    @Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `An installation that moves`
    {}
}

extension `The whole product`.`An installation that moves` {
    @Test func `to Postgres, killed in the middle, goes on there with nothing lost and nothing done twice`()
        async throws
    {
        let database = try await PostgresServer(isDurable: true)
        let url = try await database.makeDatabase()
        try await JournalPlace.postgres(url: Redacted(url)).migrate()
        try await Stage.set(environment: ["DATABASE_URL": url]) { stage in
            let server = stage.server
            let deliveries = (0..<25).map(Stage.lead) + (0..<25).map(Stage.escalation)
            try await server.start()
            for name in ["hubspot", "zendesk"] {
                stage.standIns.setFaults([Fault.slow(.milliseconds(60)).share(0.5)], seed: 3, for: name)
            }
            for delivery in deliveries { #expect(await stage.deliver(delivery) == 200) }
            let held = try await server.run("migrate", "--from", "sqlite:throughline.db", "--to", "env:DATABASE_URL")
            #expect(held.status == 3 && held.errors.contains("stop the server (SIGTERM)"), "\(held)")
            // With calls on their way, whose end nobody knows.
            try await server.kill()
            for name in ["hubspot", "zendesk"] { stage.standIns.setFaults([], for: name) }

            let plan = try await server.run("migrate", "--from", "sqlite:throughline.db", "--dry-run", "--json")
            #expect(plan.status == 0 && plan.output.contains(#"{"table":"events","rows":50}"#), "\(plan)")
            try await killInTheMiddle(of: server, database, url)
            let early = try await serveOnPostgres(server).refusal()
            #expect(early.status == 3 && early.words.contains("only in part"), "\(early)")

            let moved = try await server.run(
                "migrate", "--from", "sqlite:throughline.db", "--to", "env:DATABASE_URL", "--json")
            let report = try JSONValue(parsing: Array(moved.output.utf8))
            #expect(moved.status == 0 && report["resumed"]?.bool == true, "\(moved)")
            let events = report["tables"]?.array?.first { $0["table"]?.string == "events" }
            #expect(events?["rows"]?.int == 50 && events?["digest"]?.string?.count == 64)

            try await server.start()
            for delivery in deliveries.shuffled() { #expect(await stage.deliver(delivery) == 200) }
            try await stage.settle(within: 60)
            let kept = try await stage.all("/v1/events")
            #expect(kept.count == 50, "what was delivered before the move is a duplicate after it")
            for event in kept {
                let id = event["id"]?.string ?? ""
                _ = try await server.api("POST", "/v1/events/\(id)/replay", body: [:])
            }
            try await stage.settle(within: 60)
            let addresses = stage.contacts.compactMap { $0.properties["email"] }.filter { $0.hasPrefix("lead") }
            #expect(addresses.sorted() == (0..<25).map { "lead\($0)@example.com" }.sorted())
            #expect(stage.tickets.count == 25, "an effect key that moved keeps its ticket from being opened again")
            #expect(await stage.deliver(Stage.lead(99)) == 200)
            try await stage.settle(within: 20)
            #expect(stage.contacts.contains { $0.properties["email"] == "lead99@example.com" })
            #expect(try await server.stop() == 0)
            try await theFileIsRetired(server)
        }
        await database.stop()
    }

    /// Holds the move at a table in its middle, and kills it there.
    private func killInTheMiddle(of server: ServerProcess, _ database: PostgresServer, _ url: String) async throws {
        let holder = Process()
        holder.executableURL = URL(filePath: "/usr/bin/env")
        holder.arguments = [
            "psql", "-qAtX", url, "-c", "BEGIN; LOCK TABLE throughline.history IN EXCLUSIVE MODE; SELECT pg_sleep(60)",
        ]
        holder.standardInput = FileHandle.nullDevice
        holder.standardOutput = FileHandle.nullDevice
        holder.standardError = FileHandle.nullDevice
        try holder.run()
        func locks(_ isGranted: Bool) async throws -> Bool {
            try await database.execute(
                """
                SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'throughline.history'::regclass
                    AND mode IN ('ExclusiveLock', 'RowExclusiveLock') AND granted = \(isGranted))
                """, in: url) == "t"
        }
        try await eventually("the table is held", within: 10) { try await locks(true) }
        server.arguments = ["migrate", "--from", "sqlite:throughline.db", "--to", "env:DATABASE_URL"]
        try server.launch()
        try await eventually("the move stands at the table", within: 20) { try await locks(false) }
        try await server.kill()
        server.arguments = ["serve"]
        try await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()",
            in: url)
        try await eventually("the table is free", within: 10) { !holder.isRunning }
        let (events, history) = (
            try await database.execute("SELECT count(*) FROM throughline.events", in: url),
            try await database.execute("SELECT count(*) FROM throughline.history", in: url)
        )
        #expect(events == "50" && history == "0", "it was killed in the middle")
    }

    private func serveOnPostgres(_ server: ServerProcess) throws -> ServerProcess {
        let path = server.folder.file("throughline.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try server.write(
            text.replacing("journal: sqlite:throughline.db", with: "journal: env:DATABASE_URL"), to: "throughline.yaml")
        return server
    }

    private func theFileIsRetired(_ server: ServerProcess) async throws {
        let path = server.folder.file("throughline.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try server.write(
            text.replacing("journal: env:DATABASE_URL", with: "journal: sqlite:throughline.db"), to: "throughline.yaml")
        let refused = try await server.refusal()
        #expect(refused.status == 3 && refused.words.contains("was moved to Postgres"), "\(refused)")
        let back = try await server.run("migrate", "--take-back", "sqlite:throughline.db", "--yes")
        #expect(back.status == 0 && back.output.contains("can be served again"), "\(back)")
        try await server.start()
    }
}
