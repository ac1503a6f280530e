import Model
import Sandbox
import Testing

extension `The whole product`.Credentials {
    @Test func `a refused credential holds thirty jobs until it works again`() async throws {
        try await Stage.set { stage in
            try await stage.server.start()
            setTokens(["another"], stage)
            let before = refusals(stage)
            for number in 0..<30 { #expect(await stage.deliver(Stage.lead(number)) == 200) }
            try await eventually("the destination is paused with all its jobs", within: 15) {
                let isPlanned = try await stage.server.api("GET", "/v1/status")["pending"]?.int == 0
                let isPaused = try await crm(stage)?["state"]?.string == "paused"
                let open = try await stage.openJobs()
                return isPlanned && isPaused && open == 30
            }
            #expect(refusals(stage) - before <= 8, "one pause, and not a call for each job")
            #expect(stage.contacts.isEmpty)
            let alerts = try await stage.all("/v1/alerts")
            #expect(alerts.filter { $0["ended_at"]?.isNull == true }.count == 1, "\(alerts)")

            let early = try await stage.server.run("destinations", "resume", "crm")
            #expect(early.status == 1)
            #expect(early.errors.contains("crm is not back"), "\(early)")
            #expect(try await stage.openJobs() == 30)

            setTokens([StandInSet.Credentials().hubspotToken], stage)
            let resumed = try await stage.server.run("destinations", "resume", "crm")
            #expect(resumed.status == 0, "\(resumed)")
            try await stage.settle()
            #expect(stage.contacts.count == 30)
            let jobs = try await stage.all("/v1/jobs")
            #expect(jobs.count == 30)
            #expect(jobs.allSatisfy { $0["state"]?.string == "completed" })
            let open = try await stage.all("/v1/alerts").filter { $0["ended_at"]?.isNull == true }
            #expect(open.isEmpty, "\(open)")
        }
    }

    private func setTokens(_ tokens: Set<String>, _ stage: Stage) {
        _ = stage.standIns.change("hubspot", as: HubSpotStandIn.self) { $0.tokens = tokens }
    }

    private func refusals(_ stage: Stage) -> Int {
        stage.standIns.calls(of: "hubspot").filter { $0.key.hasSuffix(" 401") }.values.reduce(0, +)
    }

    private func crm(_ stage: Stage) async throws -> JSONObject? {
        let list = try await stage.server.api("GET", "/v1/destinations")["items"]?.array ?? []
        return list.first { $0["name"]?.string == "crm" }?.object
    }
}
