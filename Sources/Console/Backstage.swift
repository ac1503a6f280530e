package import Journal
package import Model
package import Settings

/// What the console asks of rooms that it does not know.
package protocol Backstage: Sendable {
    /// What a flow's call needs and sends; nil where no destination here can do it.
    func action(_ call: Flow.Call) -> CallSketch?
    /// Asks the destination itself what it lacks for the flows that call it.
    func requirements(of destination: String) async -> RequirementSketch
    /// Plans a past event with the configuration in force, or with that text of one, and writes nothing.
    ///
    /// `asNew`: as if none of its effects had been planned. Throws `invalid` with all that is wrong in the text.
    func rehearse(_ event: EventID, configuration: String?, asNew: Bool) async throws -> Rehearsed
    /// The names of secrets that the configuration uses, never what they are.
    func secrets() async throws -> [SecretSketch]
    func secret(_ reference: SecretReference) -> Redacted<String>?
}

package struct CallSketch: Sendable {
    package var effectClass: String
    package var required: [String]
    package var defaults: [Flow.Assignment]

    package init(effectClass: String, required: [String], defaults: [Flow.Assignment]) {
        self.effectClass = effectClass
        self.required = required
        self.defaults = defaults
    }
}

package struct RequirementSketch: Sendable {
    package var missing: [String]
    /// Set where the destination could not be asked, in its own words.
    package var trouble: String?

    package init(missing: [String], trouble: String?) {
        self.missing = missing
        self.trouble = trouble
    }
}

package struct SecretSketch: Sendable {
    /// `env:STRIPE_WEBHOOK_SECRET`.
    package var name: String
    package var uses: [String]
    /// Since when it has been what it is; nil where nothing tells.
    package var changedAt: Instant?
    package var isThere: Bool

    package init(name: String, uses: [String], changedAt: Instant?, isThere: Bool) {
        self.name = name
        self.uses = uses
        self.changedAt = changedAt
        self.isThere = isThere
    }
}
