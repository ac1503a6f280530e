package import Model

/// Trouble that people must know of.
package struct NewAlert: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
        case warning, critical

        package static func < (lhs: Self, rhs: Self) -> Bool { lhs == .warning && rhs == .critical }
    }

    /// One open alert a key: opening it again only refreshes it.
    package var key: String
    package var title: String
    package var detail: String
    package var severity: Severity
    /// What it costs, in words ("12 leads wait"); nil: not known, and what was known before stays.
    package var cost: String?
    package var at: Instant

    package init(
        key: String, title: String, detail: String, severity: Severity = .warning, cost: String? = nil, at: Instant
    ) {
        self.key = key
        self.title = title
        self.detail = detail
        self.severity = severity
        self.cost = cost
        self.at = at
    }
}

/// An alert and its life: open, acknowledged, ended.
package struct AlertRow: Sendable, Hashable {
    package var id: AlertID
    /// As it was said last; `at` is when it opened.
    package var alert: NewAlert
    package var acknowledged: Acknowledgement?
    package var endedAt: Instant?
    package var telling: Telling

    package init(
        id: AlertID, alert: NewAlert, acknowledged: Acknowledgement? = nil, endedAt: Instant?,
        telling: Telling = Telling()
    ) {
        self.id = id
        self.alert = alert
        self.acknowledged = acknowledged
        self.endedAt = endedAt
        self.telling = telling
    }

    package var isOpen: Bool { endedAt == nil }
}

/// Who has an alert or an issue in hand.
package struct Acknowledgement: Sendable, Hashable {
    package var at: Instant
    package var by: String

    package init(at: Instant, by: String) {
        self.at = at
        self.by = by
    }
}

/// What people were told of an alert so far.
package struct Telling: Sendable, Hashable {
    package var count: Int
    package var at: Instant?
    /// What the last notice said, as a word that is another one only when people should hear of it again.
    package var mark: String?
    package var isEndTold: Bool

    package init(count: Int = 0, at: Instant? = nil, mark: String? = nil, isEndTold: Bool = false) {
        self.count = count
        self.at = at
        self.mark = mark
        self.isEndTold = isEndTold
    }
}

/// Keeps alerts from being told for a while; they open and end all the same.
package struct Silence: Sendable, Hashable {
    /// An alert's key, or the beginning of keys with `*` at its end.
    package var pattern: String
    package var reason: String
    package var by: String
    package var at: Instant
    package var until: Instant

    package init(pattern: String, reason: String, by: String, at: Instant, until: Instant) {
        self.pattern = pattern
        self.reason = reason
        self.by = by
        self.at = at
        self.until = until
    }

    package func covers(_ key: String, at now: Instant) -> Bool {
        guard now < until else { return false }
        return pattern.hasSuffix("*") ? key.hasPrefix(pattern.dropLast()) : key == pattern
    }
}
