package import Journal
package import Model

extension BulkPlan {
    package var json: JSONObject {
        [
            "action": .string(action.rawValue), "count": API.json(count), "by_destination": API.json(byDestination),
            "by_error_class": API.json(byErrorClass), "unknown": API.json(unknown), "untouched": API.json(untouched),
            "kept_requests": API.json(keptRequests),
        ]
    }
}

extension ReplayPlan {
    package var json: JSONObject {
        func ids(_ jobs: [JobRow]) -> JSONValue { .array(jobs.map { API.json($0.id) }) }
        return ["event": API.json(event), "completed": ids(completed), "open": ids(open), "dead": ids(dead)]
    }
}

extension Erasure {
    package var json: JSONObject {
        [
            "subject": API.json(subject), "events": API.json(events), "facts": API.json(facts),
            "jobs": API.json(jobs), "identifiers": API.json(identifiers), "kept": API.json(kept),
        ]
    }
}

extension KeyRow {
    package var json: JSONObject {
        [
            "key": .string("tl_\(shown)"), "scope": .string(scope.rawValue), "source": API.json(source),
            "created_at": API.json(createdAt), "revoked_at": API.json(revokedAt),
        ]
    }
}

extension UserRow {
    package var json: JSONObject {
        ["email": .string(email), "role": .string(role.rawValue), "created_at": API.json(createdAt)]
    }
}

extension AuditRow {
    package var json: JSONObject {
        [
            "at": API.json(at), "actor": .string(actor), "action": .string(action), "target": .string(target),
            "detail": API.json(detail),
        ]
    }
}

extension DestinationStatus {
    package func json(open: [JobState: Int]) -> JSONObject {
        [
            "name": .string(name), "kind": .string(kind), "state": .string(pause == nil ? "active" : "paused"),
            "breaker": .string(breaker), "running": API.json(running),
            "open_jobs": API.json(Dictionary(uniqueKeysWithValues: open.map { ($0.key.rawValue, $0.value) })),
            "pause": pause.map {
                [
                    "cause": .string($0.cause.rawValue), "reason": .string($0.reason), "since": API.json($0.since),
                ]
            } ?? .null,
        ]
    }
}

extension JournalFigures {
    package var json: JSONObject {
        [
            "pending": API.json(pending), "dead": API.json(dead), "quarantined": API.json(quarantined),
            "open_alerts": API.json(openAlerts), "events_last_hour": API.json(eventsLastHour),
            "completed_last_hour": API.json(completedLastHour), "dead_last_hour": API.json(deadLastHour),
            "last_event_at": API.json(lastEventAt),
            "open_jobs": .object(
                JSONObject(
                    members: openJobs.sorted { $0.key < $1.key }.map { name, states in
                        .init(
                            key: name,
                            value: API.json(
                                Dictionary(uniqueKeysWithValues: states.map { ($0.key.rawValue, $0.value) })))
                    })),
        ]
    }
}
