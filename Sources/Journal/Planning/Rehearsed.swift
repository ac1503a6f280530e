package import Model

/// What planning an event would do, had it been written.
package struct Rehearsed: Sendable {
    package struct Effect: Sendable {
        package var job: NewJob
        /// The fields that would be sent, as they are now.
        package var fields: JSONObject

        package init(job: NewJob, fields: JSONObject) {
            self.job = job
            self.fields = fields
        }
    }

    package var decisions: [Decision]
    package var effects: [Effect]

    package init(decisions: [Decision], effects: [Effect]) {
        self.decisions = decisions
        self.effects = effects
    }
}
