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
    /// The database, past any pooler.
    let url: String
    let nodes: [ServerProcess]

    /// Sets it up with a migrated journal and nothing running yet.
    ///
    /// With `isPooled` all nodes share four processes of the server, by pgbouncer in transaction mode.
    static func set(isPooled: Bool = false, _ body: (Cluster) async throws -> Void) async throws {
        let database = try await PostgresServer(isDurable: true)
        let direct = try await database.makeDatabase()
        let pooler = isPooled ? try await TransactionPooler(to: database, connections: 4) : nil
        let url = pooler?.url(direct, of: database) ?? direct
        try await Stage.set(journal: "env:DATABASE_URL", environment: ["DATABASE_URL": url]) { stage in
            let refused = try await stage.server.run("events", "list")
            #expect(refused.status == 3 && refused.errors.contains("throughline migrate"), "\(refused.errors)")
            let migrated = try await stage.server.run("migrate")
            guard migrated.status == 0 else { throw Trouble("migrate: \(migrated.errors)") }
            let other = try stage.another()
            let cluster = Cluster(stage: stage, database: database, url: direct, nodes: [stage.server, other])
            do {
                try await body(cluster)
            } catch {
                throw Trouble("\(error)\nthe other server's log ends with:\n\(other.log.suffix(1500))")
            }
        }
        await database.stop()
    }

    /// What the database answers, without its line end.
    func ask(_ sql: String) async throws -> String {
        try await database.execute("SET search_path = throughline; " + sql, in: url)
            .trimmingCharacters(in: .whitespacesAndNewlines)
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

    @Test func `what a killed node had in hand is done by the other within ten seconds, and once`() async throws {
        try await Cluster.set { cluster in
            let (doomed, other) = (cluster.nodes[0], cluster.nodes[1])
            try await other.start()
            // Who has just come tells nobody else dead.
            try await eventually("the other is steady", within: 30) {
                try await cluster.ask("SELECT bool_and(steady_since < clock_timestamp() - interval '8 s') FROM nodes")
                    == "t"
            }
            // It dies when the third answer has come and nothing of it is on record.
            try doomed.launch(dyingAt: "call.made:3")
            try await doomed.isReady()
            let count = 20
            var undelivered: [SimulatedDelivery] = []
            for delivery in (0..<count).flatMap({ [Stage.lead($0), Stage.escalation($0)] }) {
                if await Stage.deliver(delivery, to: doomed.base) != 200 { undelivered.append(delivery) }
            }
            try await doomed.isDead(within: 10)
            let died = ContinuousClock.now
            #expect(
                try await cluster.ask("SELECT count(*) > 0 FROM jobs WHERE state = 'running'") == "t",
                "it had jobs in hand")
            try await eventually("its jobs are in other hands", within: 10) {
                try await cluster.ask(
                    """
                    SELECT count(*) = 0 FROM jobs WHERE state = 'running' AND node NOT IN (
                        SELECT name FROM nodes WHERE beat_at > clock_timestamp() - interval '8 s')
                    """) == "t"
            }
            #expect(ContinuousClock.now - died < .seconds(10))
            for delivery in undelivered { #expect(await Stage.deliver(delivery, to: other.base) == 200) }
            try await eventually("all is done", within: 40) {
                try await cluster.ask("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM jobs)") == "0"
            }
            let addresses = cluster.stage.contacts.compactMap { $0.properties["email"] }
            #expect(addresses.filter { $0.hasPrefix("lead") }.count == count)
            #expect(Set(addresses).count == addresses.count)
            #expect(cluster.stage.tickets.count == count)
        }
    }

    @Test(.enabled(if: TransactionPooler.isInstalled, "pgbouncer is not installed"))
    func `behind a pooler of transactions do all of it once`() async throws {
        try await Cluster.set(isPooled: true) { cluster in
            for node in cluster.nodes { try await node.start() }
            var chance = SeededGenerator(seed: 2)
            let deliveries = (0..<30).flatMap { [Stage.lead($0), Stage.escalation($0)] }
            let taken = try await cluster.deliver(deliveries, chance: &chance) { count in
                guard count == 20 else { return }
                try await cluster.nodes[1].kill()
                try await cluster.nodes[1].start()
            }
            #expect(taken.count == deliveries.count)
            try await cluster.stage.settle(within: 60)
            let addresses = cluster.stage.contacts.compactMap { $0.properties["email"] }
            #expect(addresses.filter { $0.hasPrefix("lead") }.count == 30 && Set(addresses).count == addresses.count)
            #expect(cluster.stage.tickets.count == 30)
        }
    }

    @Test func `are replaced one after the other while a schema that adds to theirs is in place`() async throws {
        try await Cluster.set { cluster in
            let (first, second) = (cluster.nodes[0], cluster.nodes[1])
            try await first.start()
            func deliver(_ numbers: Range<Int>, to node: ServerProcess) async {
                for number in numbers { #expect(await Stage.deliver(Stage.lead(number), to: node.base) == 200) }
            }
            await deliver(0..<10, to: first)
            // As a next version would add to it, under the running node.
            let version = try await cluster.ask("SELECT max(version) FROM migrations")
            _ = try await cluster.ask(
                """
                BEGIN; SET LOCAL lock_timeout = '5s';
                ALTER TABLE jobs ADD COLUMN later text; ALTER TABLE history ADD COLUMN later text DEFAULT 'x';
                ALTER TABLE events ADD COLUMN later bigint; CREATE INDEX jobs_later ON jobs (later);
                CREATE TABLE later_things (id bigint PRIMARY KEY);
                INSERT INTO migrations (version, name, works_since) VALUES (\(version) + 1, 'later', \(version)); COMMIT
                """)
            await deliver(10..<20, to: first)
            try await second.start()
            await deliver(20..<30, to: second)
            #expect(try await first.stop() == 0)
            try await first.start()
            await deliver(30..<40, to: first)
            try await cluster.stage.settle(within: 30)
            #expect(cluster.stage.contacts.filter { $0.properties["email"]?.hasPrefix("lead") == true }.count == 40)
            let jobs = try await cluster.stage.all("/v1/jobs")
            #expect(jobs.count == 40 && jobs.allSatisfy { $0["state"]?.string == "completed" })
        }
    }
}
