internal import Journal
internal import Model

/// What flows are evaluated on: a fact, or an event that stands for itself.
struct Matter {
    /// The fact's key, or the event's id: the middle of effect keys.
    var key: String
    var type: EventType
    var object: String?
    var subject: SubjectID
    /// The event that tells of it.
    var event: Event
    /// The fact's own data filled up from its object's.
    var data: JSONObject
    /// The same before the event that is being planned, where that one only adds to it; nil: it tells of it itself.
    var dataBefore: JSONObject?

    var isToldNow: Bool { dataBefore == nil }
    /// By what rollout shares are counted: unlike a subject it is the same before and after any join.
    var shareName: String { object ?? key }
}

extension Matter {
    /// The fact under which a job of an event without one waits for a field, so that a later event finds it.
    var ownFact: Fact {
        FactMerge.fact(key, type: type, object: object, subject: subject, event: event, data: data)
    }
}
