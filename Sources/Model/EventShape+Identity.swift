extension EventShape {
    /// Fields that say whom or what an event is about, whatever its type.
    private static let identifiers: Set<String> = [
        "email", "phone", "user", "customer", "payment", "charge", "checkout", "subscription", "invoice", "refund",
        "dispute", "ticket", "reference", "client_reference",
    ]

    /// Whether a field of `data` is enough to say whom an event is about, where neither session nor user is given.
    package func isIdentifier(_ field: String) -> Bool {
        Self.identifiers.contains(field)
            || fields.contains { $0.name == field && ($0.kind == .id || $0.kind == .email) }
    }
}
