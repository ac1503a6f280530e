internal import API
internal import Journal
internal import Model

extension Console {
    var auditRoutes: [Route] { [page("GET", "/console/audit") { visit in try await auditPage(visit) }] }

    private static func isOfAccess(_ action: String) -> Bool {
        ["keys.", "users.", "console.sign_in"].contains { action.hasPrefix($0) }
    }

    private func auditPage(_ visit: Visit) async throws -> Answer {
        let query = visit.call.query
        let inputs = try Inputs(query, known: Inputs.page, now: now, isForm: true)
        let page = try await dependencies.operating.audit(page: inputs.page())
        let now = now
        // Who else comes in, and by which key, is an administrator's business, as in Settings.
        let isAdmin = visit.session.role.includes(.admin)
        let entries = page.items.filter { isAdmin || !Self.isOfAccess($0.action) }
        return try await html(
            "audit", in: "audit",
            [
                "title": "Audit",
                "entries": .array(
                    entries.map { entry in
                        [
                            "at": Shown.stamp(entry.at, now: now), "actor": .string(entry.actor),
                            "action": .string(entry.action), "target": .string(entry.target),
                            "detail": .string(entry.detail ?? ""),
                        ]
                    }),
                "runs": .array(
                    desk.all.prefix(10).map { run in
                        [
                            "id": .string(run.id), "title": .string(run.title), "state": .string(run.state.rawValue),
                            "actor": .string(run.actor), "at": Shown.stamp(run.orderedAt, now: now),
                        ]
                    }),
                "older": Filters.older("/console/audit", query, next: page.next),
            ], visit)
    }
}
