package import Journal
package import Model

/// When people are told of an alert: at its opening, when it grows worse, once in a while for as long as nobody has it
/// in hand, and at its end.
///
/// Pure.
package struct NoticeRules: Sendable {
    package enum What: String, Sendable, Hashable { case opened, changed, ended }

    /// How long a change waits behind the notice before it, so that growing trouble is not told line by line.
    static let changeLeast: Duration = .seconds(600)

    let remind: Duration
    let silences: [Silence]
    let now: Instant

    package init(remind: Duration, silences: [Silence], now: Instant) {
        self.remind = remind
        self.silences = silences
        self.now = now
    }

    /// What is to be told of it now; nil: nothing.
    package func notice(of row: AlertRow, mark: AlertMark) -> What? {
        guard !silences.contains(where: { $0.covers(row.alert.key, at: now) }) else { return nil }
        guard row.isOpen else { return row.telling.count > 0 && !row.telling.isEndTold ? .ended : nil }
        guard row.telling.count > 0, let toldAt = row.telling.at else {
            return row.acknowledged == nil ? .opened : nil
        }
        let age = now - toldAt
        if mark > AlertMark(row.telling.mark ?? ""), age >= Self.changeLeast { return .changed }
        return row.acknowledged == nil && age >= remind ? .changed : nil
    }
}

/// How bad an alert is, in so few steps that each is worth being told.
package struct AlertMark: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var severity: NewAlert.Severity
    package var magnitude: Int

    package init(severity: NewAlert.Severity, magnitude: Int) {
        self.severity = severity
        self.magnitude = magnitude
    }

    /// What `description` printed; anything else is the least.
    package init(_ text: String) {
        let parts = text.split(separator: " ")
        severity = parts.first.flatMap { NewAlert.Severity(rawValue: String($0)) } ?? .warning
        magnitude = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    }

    package var description: String { "\(severity.rawValue) \(magnitude)" }

    package static func < (lhs: Self, rhs: Self) -> Bool {
        lhs.severity == rhs.severity ? lhs.magnitude < rhs.magnitude : lhs.severity < rhs.severity
    }
}
