package import Model

/// Where a subject stands now: for each aspect the newest thing that any event said of it.
///
/// Each aspect is a register that the latest statement wins (time, then rank, then id), so merging is commutative,
/// associative and idempotent: whatever the order of arrival, and however subjects are joined, the state is the same.
package struct SubjectState: Sendable, Hashable {
    package struct Register: Sendable, Hashable {
        /// The provider's time of the statement.
        package var at: Instant
        /// Breaks ties within one second of provider time: the state that lies further along its life is higher.
        package var rank: Int
        /// Of what it is told (payment id, subscription id, fact key): breaks what ties are left.
        package var of: String
        /// `status` and what else flows may read (`payment`, `amount`, `currency`, …).
        package var fields: JSONObject

        package init(at: Instant, rank: Int, of: String, fields: JSONObject) {
            self.at = at
            self.rank = rank
            self.of = of
            self.fields = fields
        }

        /// Whether this statement stands when both are known.
        package func supersedes(_ other: Register) -> Bool {
            (at.seconds, rank, at.milliseconds, of) > (other.at.seconds, other.rank, other.at.milliseconds, other.of)
        }
    }

    /// By aspect: `lead`, `payment`, `subscription`, `booking`, `checkout`, `chat`, and `ticket:<id>` for each ticket.
    package var registers: [String: Register]

    package init(registers: [String: Register] = [:]) { self.registers = registers }

    /// Takes a statement in; true where it stands (it is newer than what was known).
    @discardableResult
    package mutating func record(_ register: Register, for aspect: String) -> Bool {
        if let known = registers[aspect], !register.supersedes(known) { return false }
        registers[aspect] = register
        return true
    }

    package func merged(with other: SubjectState) -> SubjectState {
        var merged = self
        for (aspect, register) in other.registers { merged.record(register, for: aspect) }
        return merged
    }
}

extension SubjectState {
    /// Nil where the object is not one that `object` gave.
    package init?(_ object: JSONObject) {
        self.init()
        for member in object.members {
            guard let at = member.value["at"]?.int, let rank = member.value["rank"]?.int,
                let of = member.value["of"]?.string, let fields = member.value["fields"]?.object
            else { return nil }
            registers[member.key] = Register(
                at: Instant(milliseconds: at), rank: Int(clamping: rank), of: of, fields: fields)
        }
    }

    /// As it is kept: sorted, so that the same state is the same text.
    package var object: JSONObject {
        JSONObject(
            members: registers.sorted { $0.key < $1.key }.map { aspect, register in
                JSONObject.Member(
                    key: aspect,
                    value: [
                        "at": .int(register.at.milliseconds), "rank": .int(Int64(register.rank)),
                        "of": .string(register.of), "fields": .object(register.fields),
                    ])
            })
    }
}
