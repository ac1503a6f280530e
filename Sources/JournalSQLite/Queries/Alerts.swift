internal import GRDB
internal import Journal
internal import Model

/// Alerts: one open row a key.
enum Alerts {
    static func open(_ alert: NewAlert, _ db: Database) throws {
        // The moment at which it opened stays; what it says is the newest.
        let isKnown =
            try db.run(
                "UPDATE alerts SET title = ?, detail = ? WHERE key = ? AND ended_at IS NULL", alert.title,
                alert.detail, alert.key) > 0
        guard !isKnown else { return }
        // The row's number makes the id its own; it needs no chance.
        let number = try db.count("SELECT coalesce(max(seq), 0) + 1 FROM alerts")
        let id = AlertID(at: alert.at, random: (UInt64(number) >> 32, UInt64(number)))
        try db.run(
            "INSERT INTO alerts (id, key, title, detail, at) VALUES (?, ?, ?, ?, ?)", id, alert.key, alert.title,
            alert.detail, alert.at)
    }

    static func end(key: String, at now: Instant, _ db: Database) throws {
        try db.run("UPDATE alerts SET ended_at = ? WHERE key = ? AND ended_at IS NULL", now, key)
    }
}
