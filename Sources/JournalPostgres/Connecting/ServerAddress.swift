internal import CPostgres
internal import Model

/// Where the database is and how to get in, as libpq reads it from a URL.
///
/// Holds a password: nothing of it but `name` is ever shown.
struct ServerAddress: Sendable {
    /// libpq's words and values.
    let options: [String: String]
    /// `host:port/database`, for people; no user and no password.
    let name: String

    /// What holds where the URL says nothing: a dead peer is noticed in seconds, a server that does not answer too.
    private static let defaults = [
        "connect_timeout": "5", "keepalives_idle": "10", "keepalives_interval": "3", "keepalives_count": "3",
        "tcp_user_timeout": "15000", "application_name": "throughline",
    ]

    init(url: String) throws {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
            throw Failure(
                .configuration,
                "The journal's address is no Postgres URL. Write postgres://user:password@host:5432/name.",
                field: "journal")
        }
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(url, &message) else {
            // libpq's words may repeat the URL, and with it the password.
            PQfreemem(message)
            throw Failure(
                .configuration,
                "The journal's Postgres URL cannot be read. Write postgres://user:password@host:5432/name and "
                    + "percent-encode what is special in the password.", field: "journal")
        }
        defer { PQconninfoFree(parsed) }
        var options = Self.defaults
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        // Among several hosts only the one that takes writes will do: after a failover that is another one.
        if options["host"]?.contains(",") == true, options["target_session_attrs"] == nil {
            options["target_session_attrs"] = "read-write"
        }
        self.options = options
        name = "\(options["host"] ?? "localhost"):\(options["port"] ?? "5432")/\(options["dbname"] ?? "")"
    }
}
