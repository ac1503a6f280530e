package import Journal
package import Model

/// Merging the events of one fact.
///
/// Commutative, associative and idempotent: the order of arrival leaves no trace.
package enum FactMerge {
    /// Who brought a member: the earlier wins where two differ (provider time, then event id).
    private struct Origin: Comparable {
        var milliseconds: Int64
        var event: String

        static func < (lhs: Self, rhs: Self) -> Bool {
            (lhs.milliseconds, lhs.event) < (rhs.milliseconds, rhs.event)
        }
    }

    /// A fact as one event tells it.
    package static func fact(
        _ key: String, type: EventType?, object: String?, subject: SubjectID, event: Event, data: JSONObject
    ) -> Fact {
        Fact(
            key: key, type: type, object: object, subject: subject, event: event.id, occurredAt: event.occurredAt,
            data: JSONObject(members: data.members.filter { !$0.value.isAbsent }))
    }

    /// What is known with the help of both.
    ///
    /// Key, type and subject stay those of `fact`.
    package static func merge(_ fact: Fact, with told: Fact) -> Fact {
        var merged = fact
        let (mine, theirs) = (teller(of: fact), teller(of: told))
        if theirs < mine {
            merged.event = told.event
            merged.occurredAt = told.occurredAt
        }
        // A refund is told with its payment by one event and with its charge alone by another: the payment says more,
        // and sorts last.
        merged.object = [fact.object, told.object].compactMap(\.self).max()
        merged.data = JSONObject()
        merged.origins = JSONObject()
        let keys = fact.data.keys + told.data.keys.filter { fact.data[$0] == nil }
        for key in keys {
            guard let (value, origin) = standing(key, fact, told) else { continue }
            merged.data[key] = value
            if origin != min(mine, theirs) {
                merged.origins[key] = .array([.int(origin.milliseconds), .string(origin.event)])
            }
        }
        return merged
    }

    /// What flows read: the fact's own data, filled up from its object's.
    package static func view(of fact: Fact, object: Fact?) -> JSONObject {
        var data = fact.data
        if let object { data.fill(from: object.data) }
        return data
    }

    private static func standing(_ key: String, _ fact: Fact, _ told: Fact) -> (JSONValue, Origin)? {
        let mine = fact.data.present(key).map { ($0, origin(of: key, in: fact)) }
        let theirs = told.data.present(key).map { ($0, origin(of: key, in: told)) }
        guard let mine, let theirs else { return mine ?? theirs }
        return theirs.1 < mine.1 ? theirs : mine
    }

    private static func teller(of fact: Fact) -> Origin {
        Origin(milliseconds: fact.occurredAt.milliseconds, event: fact.event.description)
    }

    private static func origin(of key: String, in fact: Fact) -> Origin {
        guard let pair = fact.origins[key]?.array, pair.count == 2, let milliseconds = pair[0].int,
            let event = pair[1].string
        else { return teller(of: fact) }
        return Origin(milliseconds: milliseconds, event: event)
    }
}
