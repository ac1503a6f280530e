package import Journal
package import Model
package import Settings

/// Speaks to one destination: renders effects, sends them, reads the answers.
///
/// A connector keeps no state between calls and decides nothing about retries: it returns a verdict.
package protocol Connector: Sendable {
    /// What it can do, by name (`upsert_contact`).
    var actions: [ActionDescription] { get }

    /// Renders the effect as the request that makes it, without credentials. Pure.
    ///
    /// For `keyed` and `findable` actions this is called once in the life of a job and its result is kept.
    func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest

    /// Makes the effect. `approach` says whether an earlier attempt may have happened already.
    func perform(_ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration) async -> Report

    /// The cheapest call that shows whether the credential works.
    func probe() async -> Verdict

    /// What the destination lacks for these fields to be written (`config check --connect`); empty: nothing.
    /// `isCreating`: makes what can be made (custom properties) and returns what is still missing.
    func missingRequirements(for flows: [Flow], isCreating: Bool) async -> RequirementReport
}

/// One action of a connector.
package struct ActionDescription: Sendable {
    package var name: String
    package var effectClass: EffectClass
    /// True where it sends how the subject stands now: older jobs of the same lane and flow are covered by a newer one.
    package var isStateSetting: Bool
    /// Names of fields that must be there before it can be sent.
    ///
    /// A missing one makes the job wait for its fact.
    package var required: [String]
    /// The fields that it sends where the flow has no `set`.
    package var defaults: [Flow.Assignment]
    /// The kind of record that must exist at the destination first (`ticket`).
    package var neededRecord: String?

    package init(
        name: String, effectClass: EffectClass, isStateSetting: Bool = false, required: [String] = [],
        defaults: [Flow.Assignment] = [], neededRecord: String? = nil
    ) {
        self.name = name
        self.effectClass = effectClass
        self.isStateSetting = isStateSetting
        self.required = required
        self.defaults = defaults
        self.neededRecord = neededRecord
    }
}

/// What the destination offers against doing an effect twice.
package enum EffectClass: Sendable, Hashable {
    /// An idempotency key that it remembers for `lifetime`. `isFindableAfter`: later the effect can be searched.
    case keyed(lifetime: Duration, isFindableAfter: Bool)
    /// Create-or-update on a natural key.
    case upsert
    /// A field that holds our marker and can be listed or searched, current after `lag`.
    case findable(lag: Duration)
    case unsafe

    package var name: String {
        switch self {
        case .keyed: "keyed"
        case .upsert: "upsert"
        case .findable: "findable"
        case .unsafe: "unsafe"
        }
    }

    /// Whether the request is rendered once, kept, and sent byte for byte.
    package var keepsRequest: Bool {
        switch self {
        case .keyed, .findable: true
        case .upsert, .unsafe: false
        }
    }
}

/// One effect to be made, with all that rendering may use.
package struct Effect: Sendable {
    package var key: EffectKey
    package var action: String
    package var event: Event
    /// The merged fact.
    package var data: JSONObject
    /// The evaluated field map: the flow's `set`, else the action's defaults.
    package var fields: JSONObject
    /// Whether `fields` came from the flow's own `set`.
    package var hasOwnFields: Bool
    package var subject: SubjectView
    package var payments: [PaymentView]
    package var records: [ExternalRecord]
    package var now: Instant
    /// The console's address of this event's trail; nil where no public address is set.
    package var trailURL: String?

    package init(
        key: EffectKey, action: String, event: Event, data: JSONObject, fields: JSONObject, hasOwnFields: Bool,
        subject: SubjectView, payments: [PaymentView], records: [ExternalRecord], now: Instant,
        trailURL: String? = nil
    ) {
        self.key = key
        self.action = action
        self.event = event
        self.data = data
        self.fields = fields
        self.hasOwnFields = hasOwnFields
        self.subject = subject
        self.payments = payments
        self.records = records
        self.now = now
        self.trailURL = trailURL
    }

    /// What the flow can see: `$.x`, `$event.x`, `$subject.x`, `$effect.key`.
    package var scope: Scope {
        Scope(
            data: data, event: ScopeObjects.event(event), subject: ScopeObjects.subject(subject),
            effect: ["key": .string(key.text)])
    }
}

/// Why an effect cannot be rendered.
package enum EffectRefusal: Error, Sendable, Hashable {
    /// This field is not there yet; the fact or a join may bring it.
    case missingField(String)
    /// A record of this kind is not there yet.
    case missingRecord(String)
    /// It can never be sent as it is.
    case impossible(errorClass: String, String)
}

/// Whether an earlier attempt may have had its effect.
package enum Approach: Sendable, Hashable {
    case first
    /// An earlier attempt's end is unknown and its key still lives: send the same again.
    case repeatWithKey
    /// An earlier attempt's end is unknown: look for the marker, adopt what is found, else create.
    case lookFirst
}

/// What came of performing an effect.
package struct Report: Sendable, Hashable {
    package var verdict: Verdict
    package var status: Int?
    /// What the destination says about its limits, where it says anything.
    package var limit: RateHint?

    package init(_ verdict: Verdict, status: Int? = nil, limit: RateHint? = nil) {
        self.verdict = verdict
        self.status = status
        self.limit = limit
    }
}

/// A destination's own word on how fast it may be called.
package struct RateHint: Sendable, Hashable {
    package var remaining: Int
    /// Until the count starts anew.
    package var resetsAfter: Duration

    package init(remaining: Int, resetsAfter: Duration) {
        self.remaining = remaining
        self.resetsAfter = resetsAfter
    }
}

/// A connector's reading of an answer.
package enum Verdict: Sendable, Hashable {
    case succeeded(ExternalRecord?)
    /// Try again; an attempt is spent. `mayHaveHappened`: the effect may have been made all the same.
    case transient(Trouble, mayHaveHappened: Bool, after: Duration? = nil)
    /// The destination asks for patience; nothing is spent.
    case slowDown(Trouble, after: Duration)
    /// This request is wrong: never again.
    case permanent(Trouble)
    /// The credential does not work: the destination pauses.
    case credentials(Trouble)
    /// Nothing of this kind can work now (unknown property, webhook gone, TLS, DNS): the destination pauses.
    case blocked(Trouble)

    package struct Trouble: Sendable, Hashable {
        /// A bounded word for grouping (`http_500`, `timeout`, `property_does_not_exist`).
        package var errorClass: String
        /// The destination's own words, secrets masked.
        package var message: String
        /// The field that is to blame, where one is.
        package var field: String?

        package init(_ errorClass: String, _ message: String, field: String? = nil) {
            self.errorClass = errorClass
            self.message = message
            self.field = field
        }
    }
}

/// What `config check --connect` found at a destination.
package struct RequirementReport: Sendable, Hashable {
    package var missing: [String]
    package var created: [String]
    /// Set where the destination could not be asked.
    package var trouble: Verdict.Trouble?

    package init(missing: [String] = [], created: [String] = [], trouble: Verdict.Trouble? = nil) {
        self.missing = missing
        self.created = created
        self.trouble = trouble
    }
}
