internal import API
internal import Journal
internal import Model
internal import Settings

extension Console {
    var deadRoutes: [Route] { [page("GET", "/console/dead") { visit in try await deadPage(visit) }] }

    private func deadPage(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.jobs, now: now, isForm: true)
        var filter = try inputs.jobFilter()
        filter.states = [.dead]
        let groups = try await dependencies.reading.deadGroups(filter)
        let filters = Filters(
            path: "/console/dead",
            fields: [
                .select("destination", "Destination", settings.destinations.map(\.name)),
                .select("flow", "Flow", settings.flows.map(\.id)), .text("error", "Error"), .since, .until,
            ])
        let total = groups.reduce(0) { $0 + $1.count }
        return try await html(
            "dead", in: "dead",
            [
                "title": "Dead letters", "filters": filters.values(query),
                "groups": .array(groups.map { .object(values(of: $0, query)) }),
                "total": .string(Shown.count(total, "job")),
                "cut": .string(total >= DeadGroup.jobsMax ? Shown.number(DeadGroup.jobsMax) : ""),
            ], visit)
    }

    private func values(of group: DeadGroup, _ query: Query) -> JSONObject {
        var pairs = [("state", "dead"), ("destination", group.destination), ("error", group.errorClass)]
        for name in ["flow", "since", "until"] { if let value = query[name] { pairs.append((name, value)) } }
        let kind = settings.destination(group.destination)?.kind.name ?? ""
        return [
            "count": .string(Shown.number(group.count)), "call": .string("\(group.destination).\(group.action)"),
            "cost": .string(
                CostWords.ofDead(group.count, kind: kind, destination: group.destination, action: group.action)),
            "error_class": .string(group.errorClass), "error": .string(group.error),
            "first": Shown.stamp(group.first, now: now), "last": Shown.stamp(group.last, now: now),
            "query_string": .string(
                pairs.filter { !$0.1.isEmpty }.map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")),
        ]
    }
}
