import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

extension `The whole product` {
    /// Two servers of ours on one Postgres that syncs.
    @Suite(.enabled(if: PostgresServer.isInstalled, "postgresql is not installed")) struct `Many nodes` {}
}

/// Two nodes on one database, and the services that they call.
private struct Cluster {
    let stage: Stage
    let database: PostgresServer
    let nodes: [ServerProcess]

    /// Sets it up with a migrated journal and nothing running yet.
    static func set(_ body: (Cluster) async throws -> Void) async throws {
        let database = try await PostgresServer(isDurable: true)
        let url = try await database.makeDatabase()
        try await Stage.set(journal: "env:DATABASE_URL", environment: ["DATABASE_URL": url]) { stage in
            let refused = try await stage.server.run("events", "list")
            #expect(refused.status == 3 && refused.errors.contains("throughline migrate"), "\(refused.errors)")
            let migrated = try await stage.server.run("migrate")
            guard migrated.status == 0 else { throw Trouble("migrate: \(migrated.errors)") }
            let other = try stage.another()
            let cluster = Cluster(stage: stage, database: database, nodes: [stage.server, other])
            do {
                try await body(cluster)
            } catch {
                throw Trouble("\(error)\nthe other server's log ends with:\n\(other.log.suffix(1500))")
            }
        }
        await database.stop()
    }

    /// Delivers to either node, and says which deliveries were acknowledged.
    func deliver(_ deliveries: [SimulatedDelivery], chance: inout SeededGenerator, _ each: (Int) async throws -> Void)
        async throws -> Set<String>
    {
        var taken: Set<String> = []
        for delivery in deliveries {
            let node = nodes[Int.random(in: 0..<nodes.count, using: &chance)]
            if await Stage.deliver(delivery, to: node.base) == 200 { taken.insert(delivery.id) }
            try await each(taken.count)
        }
        return taken
    }
}

extension `The whole product`.`Many nodes` {
    @Test(arguments: [5 as UInt64])
    func `kills of either node and of the database lose nothing and double nothing`(seed: UInt64) async throws {
        try await Cluster.set { cluster in
            var chance = SeededGenerator(seed: seed)
            let stage = cluster.stage
            for name in ["hubspot", "zendesk"] {
                let faults = [Fault.slow(.milliseconds(60)).share(0.5), Fault.after(.reset).share(0.2)]
                stage.standIns.setFaults(faults, seed: seed, for: name)
            }
            let count = 60
            var waiting = ((0..<count).map(Stage.lead) + (0..<count).map(Stage.escalation)).shuffled(using: &chance)
            var acknowledged: Set<String> = []
            for node in cluster.nodes { try await node.start() }
            for round in 0..<6 {
                let fatal = Int.random(in: 1...10, using: &chance)
                let taken = try await cluster.deliver(Array(waiting.prefix(20)), chance: &chance) { taken in
                    guard taken == fatal else { return }
                    switch round % 3 {
                    case 2:
                        try await cluster.database.kill()
                        try await cluster.database.start()
                    default:
                        let node = cluster.nodes[round % 3]
                        try await node.kill()
                        try node.launch()
                    }
                }
                acknowledged.formUnion(taken)
                waiting = waiting.filter { !taken.contains($0.id) || Int.random(in: 0..<8, using: &chance) == 0 }
                for node in cluster.nodes { try await node.isReady() }
            }
            for name in ["hubspot", "zendesk"] { stage.standIns.setFaults([], for: name) }
            let last = try await cluster.deliver(waiting, chance: &chance) { _ in }
            #expect(last.count == Set(waiting.map(\.id)).count)
            acknowledged.formUnion(last)
            try await stage.settle(within: 60)

            let kept = try await stage.all("/v1/events").compactMap { $0["external_id"]?.string }
            #expect(acknowledged.count == 2 * count)
            #expect(acknowledged.subtracting(kept).isEmpty, "acknowledged and lost")
            #expect(kept.count == Set(kept).count, "kept twice")
            #expect(try await stage.all("/v1/quarantine").isEmpty)
            let addresses = stage.contacts.compactMap { $0.properties["email"] }.filter { $0.hasPrefix("lead") }
            #expect(addresses.sorted() == (0..<count).map { "lead\($0)@example.com" }.sorted())
            #expect(stage.tickets.count == count)
            let jobs = try await stage.all("/v1/jobs")
            #expect(jobs.allSatisfy { $0["state"]?.string == "completed" })
        }
    }

    @Test func `one node receives and another works`() async throws {
        try await Cluster.set { cluster in
            let (front, back) = (cluster.nodes[0], cluster.nodes[1])
            front.arguments = ["serve", "--role", "ingest"]
            back.arguments = ["serve", "--role", "work"]
            try await front.start()
            try await back.start()
            #expect(await Stage.deliver(Stage.lead(1), to: back.base) == 404)
            #expect(await Stage.deliver(Stage.lead(1), to: front.base) == 200)
            try await cluster.stage.settle(within: 20)
            #expect(cluster.stage.contacts.compactMap { $0.properties["email"] } == ["lead1@example.com"])
        }
    }
}
