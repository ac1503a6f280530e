internal import Journal
internal import Model

/// Alerts: one open row a key.
enum Alerts {
    static func open(_ alert: NewAlert, _ db: Transaction) throws {
        // The row's number makes the id its own; it needs no chance.
        let number = try db.count("SELECT nextval('alert_numbers')")
        let id = AlertID(at: alert.at, random: (UInt64(number) >> 32, UInt64(number)))
        // The moment at which it opened stays; what it says is the newest.
        try db.run(
            """
            INSERT INTO alerts (id, key, title, detail, at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (key) WHERE ended_at IS NULL DO UPDATE SET title = excluded.title, detail = excluded.detail
            """, id, alert.key, alert.title, alert.detail, alert.at)
    }

    static func end(key: String, at now: Instant, _ db: Transaction) throws {
        try db.run("UPDATE alerts SET ended_at = $1 WHERE key = $2 AND ended_at IS NULL", now, key)
    }
}
