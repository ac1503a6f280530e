package import Journal
package import Model
package import Settings
internal import Watch

extension AlertRow {
    package var json: JSONObject {
        [
            "id": API.json(id), "key": .string(alert.key), "severity": .string(alert.severity.rawValue),
            "title": .string(alert.title), "detail": .string(alert.detail), "cost": API.json(alert.cost),
            "at": API.json(alert.at), "acknowledged_at": API.json(acknowledged?.at),
            "acknowledged_by": API.json(acknowledged?.by), "ended_at": API.json(endedAt),
            "told": API.json(telling.count), "told_at": API.json(telling.at),
        ]
    }
}

extension IssueRow {
    /// `cost` is counted, `costs` says it in words.
    package func json(_ settings: Settings) -> JSONObject {
        let words = cost.flatMap { CostText.text($0, of: .cause(cause), settings: settings) }
        return [
            "id": API.json(id), "destination": .string(cause.destination), "error_class": .string(cause.errorClass),
            "field": API.json(cause.field), "error": .string(error), "count": API.json(count),
            "first": API.json(firstAt), "last": API.json(lastAt), "cost": cost.map { .object($0.json) } ?? .null,
            "costs": API.json(words), "acknowledged_at": API.json(acknowledged?.at),
            "acknowledged_by": API.json(acknowledged?.by), "ended_at": API.json(endedAt),
        ]
    }
}

extension Silence {
    package var json: JSONObject {
        [
            "pattern": .string(pattern), "reason": .string(reason), "by": .string(by), "at": API.json(at),
            "until": API.json(until),
        ]
    }
}

/// What a destination said to a trial alert.
package struct AlertTestAnswer: Sendable, Hashable {
    package var destination: String
    package var isTaken: Bool
    /// Its own words where it was not taken.
    package var answer: String

    package init(destination: String, isTaken: Bool, answer: String) {
        self.destination = destination
        self.isTaken = isTaken
        self.answer = answer
    }

    package var json: JSONObject {
        ["destination": .string(destination), "taken": .bool(isTaken), "answer": .string(answer)]
    }
}

/// Sends an alert that is none.
package protocol AlertTesting: Sendable {
    /// To that destination, or to each that alerts are sent to.
    ///
    /// Throws `notFound` where there is none to send it to.
    func test(_ destination: String?) async throws -> [AlertTestAnswer]
}

/// For surfaces without destinations.
package struct NoAlertTesting: AlertTesting {
    package init() {}
    package func test(_ destination: String?) async throws -> [AlertTestAnswer] {
        throw Failure(.notFound, "No destination is told of alerts: name some under alerts.to.")
    }
}
