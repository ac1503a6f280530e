package import Journal
package import Model
package import Seams

/// The inbox in the product's own database, over a connection and a thread of its own.
///
/// It connects when it is first used, and anew after the connection was lost. Each drain is one transaction without any
/// state of the session, so that a transaction pooler may stand between; a hint that something is there comes only over a
/// direct connection, and nothing depends on it.
package actor PostgresInbox: InboxTable {
    /// Of a payload that is too large only so much is read.
    private static let beginningMax = 64 << 10
    private static let batchSizeMax = 4 << 20
    /// How long the thread is taken by waiting before it looks whether it should end.
    private static let waitSlice: Duration = .milliseconds(200)

    private let executor: ThreadExecutor
    private let address: ServerAddress
    private let time: any TimeSource
    private var connection: Connection?
    private var isListening = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Connects to nothing yet; throws where `url` is no address of a Postgres.
    package init(source: String, url: Redacted<String>, time: any TimeSource) throws {
        do {
            address = try Self.address(url.revealed)
        } catch {
            throw Failure(
                .configuration,
                "The url of the source \(source) is no Postgres address. Write "
                    + "postgresql://user:password@host:5432/name, and percent-encode what is special in the password.",
                field: "sources.\(source).url")
        }
        guard let executor = ThreadExecutor.start() else {
            throw Failure(.unavailable, "The system gives no thread for the inbox. Raise the limit on threads.")
        }
        self.executor = executor
        self.time = time
    }

    deinit { executor.stop() }

    /// Another machine is spoken to over TLS, unless the address says otherwise.
    private static func address(_ url: String) throws -> ServerAddress {
        let address = try ServerAddress(url: url)
        let isHere = ["localhost", "127.0.0.1", "::1"].contains(address.options["host"] ?? "localhost")
        guard address.options["sslmode"] == nil, !isHere, address.options["host"]?.hasPrefix("/") != true else {
            return address
        }
        return try ServerAddress(url: url + (url.contains("?") ? "&" : "?") + "sslmode=require")
    }

    /// Whether `url` is spoken to over TLS alone.
    package static func requiresTLS(_ url: String) throws -> Bool {
        ["require", "verify-ca", "verify-full"].contains(try address(url).options["sslmode"] ?? "")
    }

    package func close() { connection = nil }

    package func drain(
        limit: Int, _ take: @Sendable ([InboxRow]) async throws -> [InboxVerdict]
    ) async throws -> Int {
        let connection = try connected()
        do {
            try connection.execute(Self.opening)
            let rows = try Self.lock(limit: limit, connection)
            // The rows stay locked while the journal commits; whoever writes to the inbox does not wait for them.
            let verdicts = rows.isEmpty ? [] : try await take(rows.map(\.row))
            guard verdicts.count == rows.count else {
                throw Failure(.journal, "The journal answered \(verdicts.count) of \(rows.count) rows of the inbox.")
            }
            try Self.settle(zip(rows, verdicts).map { ($0.key, $1) }, connection)
            guard try connection.execute("COMMIT").tag == "COMMIT" else {
                throw PostgresError(state: "40001", message: "the transaction was rolled back")
            }
            return rows.count
        } catch {
            giveUp(connection)
            throw InboxTrouble.failure(error, address.name)
        }
    }

    /// Throws what stands in the way of a drain; takes nothing.
    package func probe() throws {
        let connection = try connected()
        do {
            try connection.execute(Self.opening)
            _ = try Self.lock(limit: 0, connection)
            try Self.settle([(Key(source: "", id: ""), .taken)], connection)
            try connection.execute("ROLLBACK")
        } catch {
            giveUp(connection)
            throw InboxTrouble.failure(error, address.name)
        }
    }

    package func figures() throws -> InboxFigures {
        let connection = try connected()
        do {
            for row in try connection.query(Self.figuresSQL, [InboxFigures.countMax]).rows {
                return InboxFigures(
                    waiting: Int(row.int(0)), held: Int(row.int(1)), oldestAcceptedAt: row.instantOrNil(2),
                    now: row.instant(3))
            }
            throw PostgresError(state: "", message: "no answer", isConnectionLost: true)
        } catch {
            giveUp(connection)
            throw InboxTrouble.failure(error, address.name)
        }
    }

    package func wait(upTo duration: Duration) async throws {
        guard isListening, let connection else { return try await time.sleep(for: duration) }
        let end = time.uptime + duration
        while !Task.isCancelled, time.uptime < end {
            do {
                if try !connection.notices(within: Self.waitSlice).isEmpty { return }
            } catch {
                giveUp(connection)
                throw InboxTrouble.failure(error, address.name)
            }
        }
    }

    // MARK: Connecting

    private func connected() throws -> Connection {
        if let connection, !connection.isBroken { return connection }
        do {
            let connection = try Connection(address)
            self.connection = connection
            isListening = Self.listens(connection)
            return connection
        } catch {
            connection = nil
            throw InboxTrouble.failure(error, address.name)
        }
    }

    /// Some poolers refuse it; then looking by itself is enough.
    private static func listens(_ connection: Connection) -> Bool {
        do {
            try connection.execute("LISTEN throughline_inbox")
            return true
        } catch {
            return false
        }
    }

    /// Takes back what is open, and gives the connection up: after an error a new one is the surest.
    private func giveUp(_ connection: Connection) {
        // A connection that cannot take it back is closed, and the server takes it back.
        _ = try? connection.execute("ROLLBACK")
        self.connection = nil
    }

    // MARK: Statements

    private struct Key {
        var source: String
        var id: String
    }

    private static let opening = """
        BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = '30s';
        SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'
        """

    /// The oldest rows that are due and that nobody else holds, up to a size.
    private static func lock(limit: Int, _ connection: Connection) throws -> [(key: Key, row: InboxRow)] {
        let sql = """
            WITH taken AS MATERIALIZED (
                SELECT source, id, position, due_at, octet_length(payload) AS size FROM throughline.inbox
                WHERE due_at <= now() ORDER BY due_at, position LIMIT $1 FOR UPDATE SKIP LOCKED
            ), measured AS (
                SELECT *, sum(size) OVER (ORDER BY due_at, position) - size AS size_before FROM taken
            )
            SELECT source, id, measured.position, headers::text, size > $2,
                CASE WHEN size > $2 THEN substring(convert_to(payload, 'UTF8') FOR $3::integer)
                    ELSE convert_to(payload, 'UTF8') END,
                (extract(epoch FROM accepted_at) * 1000)::bigint
            FROM measured JOIN throughline.inbox USING (source, id)
            WHERE size_before < $4 ORDER BY measured.due_at, measured.position
            """
        return try connection.query(sql, [limit, Limits.deliverySizeMax, beginningMax, batchSizeMax]).rows.map { row in
            let source = row.text(0)
            return (
                Key(source: source, id: row.text(1)),
                InboxRow(
                    position: row.int(2), source: source.isEmpty ? nil : source, headers: headers(row.textOrNil(3)),
                    payload: row.blob(5), isCut: row.flag(4), acceptedAt: row.instant(6))
            )
        }
    }

    /// What is no object of texts carries no signature, and is told so when it is looked for.
    private static func headers(_ text: String?) -> [InboxRow.Header] {
        guard let text, let object = try? JSONObject(parsing: Array(text.utf8)) else { return [] }
        return object.members.compactMap { member in
            member.value.string.map { InboxRow.Header(name: member.key, value: $0) }
        }
    }

    private static func settle(_ verdicts: [(key: Key, verdict: InboxVerdict)], _ connection: Connection) throws {
        let taken = verdicts.filter { $0.verdict == .taken }.map(\.key)
        if !taken.isEmpty {
            _ = try connection.query(
                """
                DELETE FROM throughline.inbox USING unnest($1, $2) AS taken (source, id)
                WHERE inbox.source = taken.source AND inbox.id = taken.id
                """, [SQLArray(taken.map(\.source)), SQLArray(taken.map(\.id))])
        }
        for (key, verdict) in verdicts {
            guard case .held(let reason) = verdict else { continue }
            _ = try connection.query(
                """
                UPDATE throughline.inbox SET attempts = attempts + 1, reason = $3,
                    due_at = clock_timestamp() + least(interval '15 seconds' * power(2, least(attempts, 10)), interval '10 minutes')
                WHERE source = $1 AND id = $2
                """, [key.source, key.id, reason])
        }
    }

    private static let figuresSQL = """
        SELECT count(*), count(*) FILTER (WHERE attempts > 0),
            (extract(epoch FROM min(accepted_at) FILTER (WHERE attempts = 0)) * 1000)::bigint,
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        FROM (SELECT attempts, accepted_at FROM throughline.inbox ORDER BY due_at, position LIMIT $1) AS waiting
        """
}

/// What the database answered, in words about an inbox.
enum InboxTrouble {
    static func failure(_ error: any Error, _ name: String) -> any Error {
        guard let error = error as? PostgresError else { return error }
        let message: String? =
            switch error.state {
            case "42P01", "3F000":
                "The database \(name) has no inbox. Run the migration that `throughline init --supabase` wrote."
            case "42501":
                "This user may not drain the inbox in \(name). Connect as throughline_worker, or grant it that role."
            case "28P01", "28000": "The database \(name) refuses the user or the password. Check the source's url."
            default: nil
            }
        guard let message else { return PostgresTrouble.failure(error, name) }
        return Failure(.unavailable, message, detail: "\(error.state): \(error.message)")
    }
}
