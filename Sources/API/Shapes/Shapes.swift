package import Journal
package import Model

// How the journal's rows look in JSON. Members that do not apply are there as `null`.

func json(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
func json(_ instant: Instant?) -> JSONValue { json(instant?.description) }
func json<Tag>(_ id: Identifier<Tag>?) -> JSONValue { json(id?.description) }
func json(_ number: Int?) -> JSONValue { number.map { .int(Int64($0)) } ?? .null }
func json(_ counts: [String: Int]) -> JSONValue {
    .object(JSONObject(members: counts.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: json($0.value)) }))
}

extension EventRow {
    package var json: JSONObject {
        [
            "id": .string(event.id.description), "source": .string(event.source),
            "external_id": .string(event.externalID), "external_type": .string(event.externalType),
            "type": .string(event.type.name), "role": .string(event.role.rawValue),
            "occurred_at": API.json(event.occurredAt), "received_at": API.json(event.receivedAt),
            "session": API.json(event.session), "user": API.json(event.user), "data": .object(event.data),
            "subject": API.json(subject), "is_pending": .bool(isPending),
            "is_recovered": .bool(event.isRecovered),
        ]
    }
}

extension EventDetail {
    package var json: JSONObject {
        var object = row.json
        object["facts"] = .array(facts.map { ["key": .string($0.key), "data": .object($0.data)] })
        object["decisions"] = .array(decisions.map { .object($0.json) })
        object["jobs"] = .array(jobs.map { .object($0.json) })
        object["payload"] = API.json(payload.map { String(decoding: $0, as: UTF8.self) })
        return object
    }
}

extension Decision {
    package var json: JSONObject {
        [
            "at": API.json(at), "event": API.json(event), "flow": API.json(flow), "call": API.json(call),
            "outcome": .string(outcome.rawValue), "job": API.json(job), "detail": API.json(detail),
        ]
    }
}

extension JobRow {
    package var json: JSONObject {
        [
            "id": .string(id.description), "effect": .string(effect.text), "flow": .string(flow),
            "destination": .string(destination), "action": .string(action), "state": .string(state.rawValue),
            "event": API.json(event), "fact": API.json(fact), "subject": API.json(subject),
            "attempts": API.json(attempts), "created_at": API.json(createdAt), "due_at": API.json(dueAt),
            "ended_at": API.json(endedAt), "waits_for": API.json(waitText), "error_class": API.json(errorClass),
            "error": API.json(error), "record": record.map { .object($0.json) } ?? .null, "note": API.json(note),
            "is_unknown": .bool(isUnknown),
        ]
    }

    private var waitText: String? {
        switch waitsFor {
        case .lane?: "lane"
        case .field(let name)?: "field:\(name)"
        case .record(let kind)?: "record:\(kind)"
        case nil: nil
        }
    }
}

extension ExternalRecord {
    package var json: JSONObject { ["kind": .string(kind), "id": .string(id), "url": API.json(url)] }
}

extension JobDetail {
    package var json: JSONObject {
        var object = row.json
        object["attempt_list"] = .array(attempts.map { .object($0.json) })
        object["request"] = request.map { .object($0.json) } ?? .null
        return object
    }
}

extension StoredRequest {
    package var json: JSONObject {
        [
            "method": .string(method), "path": .string(path), "body": .string(String(decoding: body, as: UTF8.self)),
            "rendered_at": API.json(renderedAt),
        ]
    }
}

extension AttemptRow {
    package var json: JSONObject {
        [
            "token": .int(token), "started_at": API.json(startedAt), "ended_at": API.json(end?.endedAt),
            "duration_ms": end.map { .int($0.durationMilliseconds) } ?? .null,
            "outcome": API.json(end?.outcome.rawValue), "status": API.json(end?.status),
            "error_class": API.json(end?.errorClass), "error": API.json(end?.error),
        ]
    }
}

extension DeadGroup {
    package var json: JSONObject {
        [
            "destination": .string(destination), "action": .string(action), "error_class": .string(errorClass),
            "error": .string(error), "count": API.json(count), "first": API.json(first), "last": API.json(last),
        ]
    }
}

extension KeptDelivery {
    package var json: JSONObject {
        [
            "id": API.json(id), "kind": .string(kind.rawValue), "source": .string(source),
            "external_id": .string(externalID), "external_type": API.json(externalType), "code": .string(code),
            "reason": .string(reason), "field": API.json(field), "received_at": API.json(receivedAt),
            "replayed_as": API.json(replayedAs), "event": API.json(event),
        ]
    }
}
