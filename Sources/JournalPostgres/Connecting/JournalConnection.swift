internal import Journal
internal import Model
internal import Seams

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A connection and the thread on which it blocks; one transaction after the other.
///
/// It connects when it is first used, and anew after it was lost. While the server cannot be reached, calls fail at
/// once and a new try is made after a while that grows up to two seconds.
actor JournalConnection {
    /// What a transaction is for.
    enum Kind: Sendable {
        /// On the disk when it returns.
        case durable
        /// What a crash of the server may take: signs of life.
        case fleeting
        /// One consistent moment, without changes.
        case reading

        private var mode: String {
            self == .reading ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" : "BEGIN"
        }

        /// Where nobody stands between, the session knows the rest.
        var opening: [String] { [mode] + (self == .fleeting ? ["SET LOCAL synchronous_commit = off"] : []) }

        /// Everything that would else be the session's is said anew in each transaction: a pooler stands between.
        var openingThroughPooler: String {
            let commit = self == .durable ? "on" : "off"
            return """
                \(mode); SET LOCAL search_path = throughline, pg_temp; SET LOCAL synchronous_commit = \(commit);
                SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '10s';
                SET LOCAL idle_in_transaction_session_timeout = '15s'
                """
        }
    }

    /// A plan that is kept was made for the tables as they were: an index is right however large they have become.
    private static let session = """
        SET search_path = throughline, pg_temp; SET synchronous_commit = on; SET statement_timeout = '30s';
        SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '15s'; SET enable_seqscan = off;
        SET jit = off
        """

    /// Has the server plan once what is asked again and again.
    ///
    /// Left to itself it makes a new plan for each use of a statement that takes a list, since it takes a list that it does
    /// not know for a long one: planning then costs more than all that is done. What a person looks for is better planned
    /// for what it is.
    static let keepingPlans = "plan_cache_mode = force_generic_plan"

    private static let triesMax = 6
    private static let backoffFirst: Duration = .milliseconds(50)
    private static let backoffLongest: Duration = .seconds(2)

    private let executor: ThreadExecutor
    let address: ServerAddress
    private let time: any TimeSource
    private let isForWork: Bool
    private var connection: Connection?
    private var isClosed = false
    /// Whether the server's own process answers, so that it may keep statements for us; until it has once lost one.
    private var isDirect = false
    private var maySkipPooler = true
    private var backoff = backoffFirst
    /// Until when no new connection is tried, and why.
    private var refusal: (until: Duration, error: PostgresError)?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// `isForWork`: what goes through it is always the same, and not what somebody looks for.
    init(_ address: ServerAddress, time: any TimeSource, isForWork: Bool = false) throws {
        guard let executor = ThreadExecutor.start() else {
            throw Failure(.unavailable, "The system gives no thread for the journal. Raise the limit on threads.")
        }
        self.executor = executor
        self.address = address
        self.time = time
        self.isForWork = isForWork
    }

    deinit { executor.stop() }

    /// Runs `body` in one transaction; again where another transaction was in its way.
    func transaction<Value: Sendable>(
        _ kind: Kind = .durable, _ body: @Sendable (Transaction) throws -> Value
    ) throws -> Value {
        do {
            for attempt in 1..<Self.triesMax {
                do {
                    return try once(kind, body)
                } catch let error where PostgresTrouble.isCollision(error) {
                    pause(afterTry: attempt)
                }
            }
            return try once(kind, body)
        } catch let error as PostgresError {
            throw PostgresTrouble.failure(error, address.name)
        }
    }

    /// As `transaction`, with the server's own error.
    func once<Value>(_ kind: Kind, _ body: (Transaction) throws -> Value) throws -> Value {
        let isOld = self.connection != nil
        let connection = try begin(kind)
        var isEnding = false
        do {
            let value = try body(Transaction(connection))
            if kind == .reading, isDirect {
                // It changes nothing: how it ends is of no interest.
                try connection.sendUnread("COMMIT")
                return value
            }
            isEnding = true
            // A server that has already given the transaction up answers COMMIT with ROLLBACK.
            guard try connection.query("COMMIT", []).tag == "COMMIT" else {
                throw PostgresError(state: "40001", message: "the transaction was rolled back")
            }
            return value
        } catch {
            end(connection)
            // Without a commit nothing has been done: where an old connection is gone, a new one is as good.
            let hasDied = isOld && isDirect && !isEnding && self.connection == nil && error is PostgresError
            if hasDied || isOfAnotherSession(error) {
                throw PostgresError(state: "40001", message: "the session has ended")
            }
            throw error
        }
    }

    /// Whether the server knows nothing, or something else, of the statements that it was to keep.
    ///
    /// Somebody stands between after all, or the schema has moved under them: they are given up with the connection.
    private func isOfAnotherSession(_ error: any Error) -> Bool {
        guard isDirect, let error = error as? PostgresError, ["26000", "42P05", "0A000"].contains(error.state) else {
            return false
        }
        maySkipPooler = maySkipPooler && error.state == "0A000"
        connection = nil
        return true
    }

    /// What is said on our channel, as it comes or after a second without a word.
    func hear() throws -> [String] {
        if isClosed { throw Failure(.unavailable, "The journal is closed. Start the server again.") }
        do {
            let listening: Connection
            if let connection {
                listening = connection
            } else {
                listening = try connect()
                try listening.execute("LISTEN throughline")
                connection = listening
            }
            return try listening.notices(within: .seconds(1))
        } catch let error as PostgresError {
            connection = nil
            throw PostgresTrouble.failure(error, address.name)
        }
    }

    func close() {
        connection = nil
        isClosed = true
    }

    /// A connection that died unnoticed is replaced without a word.
    private func begin(_ kind: Kind) throws -> Connection {
        if isClosed { throw Failure(.unavailable, "The journal is closed. Start the server again.") }
        if let connection {
            do {
                try open(kind, on: connection)
                return connection
            } catch let error as PostgresError {
                end(connection)
                guard self.connection == nil || error.isConnectionLost else { throw error }
                self.connection = nil
            }
        }
        let connection = try connect()
        try open(kind, on: connection)
        self.connection = connection
        return connection
    }

    /// Where nobody stands between, this goes out with what is asked first.
    private func open(_ kind: Kind, on connection: Connection) throws {
        if isDirect {
            for statement in kind.opening { try connection.post(statement) }
        } else {
            try connection.execute(kind.openingThroughPooler)
        }
    }

    private func connect() throws -> Connection {
        if let refusal, time.uptime < refusal.until { throw refusal.error }
        do {
            let connection = try Connection(address)
            isDirect = try maySkipPooler && connection.isDirect()
            if isDirect {
                try connection.execute(Self.session)
                if isForWork { try connection.execute("SET \(Self.keepingPlans)") }
                connection.keepStatements()
            }
            (refusal, backoff) = (nil, Self.backoffFirst)
            return connection
        } catch let error as PostgresError {
            refusal = (time.uptime + backoff, error)
            backoff = min(backoff * 2, Self.backoffLongest)
            throw error
        }
    }

    /// Takes back what is open; a connection that cannot do that is given up.
    private func end(_ connection: Connection) {
        connection.forget()
        if connection.isBroken { self.connection = nil }
        do { try connection.execute("ROLLBACK") } catch { self.connection = nil }
    }

    /// A little longer after each try, on this connection's own thread; which of two goes first is the scheduler's
    /// chance.
    private func pause(afterTry attempt: Int) { usleep(useconds_t(attempt * attempt) * 3000) }
}
