internal import CPostgres
internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// One connection to the server.
///
/// Every call blocks: it belongs to the thread of the one who made it. Statements have no name and no state of the
/// session is relied on, so that a pooler may hand each transaction to another server process; unless it is known that
/// there is none (`keepStatements`).
final class Connection {
    /// So many statements go out in one go at most: their answers must find room while nobody reads them.
    private static let queueMax = 64

    /// What a statement that waited gave, once it has gone out.
    final class Reply {
        fileprivate(set) var result: SQLResult?
    }

    private struct Queued {
        var sql: String
        var values: [(any SQLValue)?]
        var reply: Reply
    }

    private let handle: OpaquePointer
    private var queue: [Queued] = []
    /// Nil: each statement is read and planned anew.
    private var statements: KeptStatements?
    /// Whether an answer has not been read.
    private var hasUnread = false

    init(_ address: ServerAddress) throws {
        let options = address.options.sorted { $0.key < $1.key }
        let words = options.map(\.key) + ["client_encoding"]
        let values = options.map(\.value) + ["UTF8"]
        let handle = Self.withCStrings(words) { words in Self.withCStrings(values) { PQconnectdbParams(words, $0, 0) } }
        guard let handle else { throw PostgresError(state: "53200", message: "no memory for a connection") }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else {
            // Only the kind of trouble is taken from libpq's words, which name hosts and users.
            let words = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
            throw PostgresError(state: Self.state(ofRefusal: words), message: "no connection", isConnectionLost: true)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
    }

    deinit { PQfinish(handle) }

    var isBroken: Bool { PQstatus(handle) != CONNECTION_OK }

    /// Statements without parameters, several in one go.
    @discardableResult
    func execute(_ sql: String) throws -> SQLResult {
        try flush()
        try readUnread()
        return try checked(PQexec(handle, sql))
    }

    /// Whether the server's process itself is at the other end: a pooler gives numbers of its own.
    func isDirect() throws -> Bool {
        try query("SELECT pg_backend_pid()::bigint", []).rows.map { $0.int(0) } == [Int64(PQbackendPID(handle))]
    }

    /// From now on the server keeps statements that come again, read and planned: most of what a small one costs.
    func keepStatements() { statements = KeptStatements() }

    func query(_ sql: String, _ values: [(any SQLValue)?]) throws -> SQLResult {
        if queue.isEmpty, statements == nil, !hasUnread {
            return try withEncoded(values) { count, types, pointers, lengths, formats in
                try checked(PQexecParams(handle, sql, count, types, pointers, lengths, formats, 1))
            }
        }
        let reply = try post(sql, values)
        try flush()
        guard let result = reply.result else {
            throw PostgresError(state: "", message: "no answer", isConnectionLost: true)
        }
        return result
    }

    // MARK: Several in one go

    /// Puts a statement behind those that wait: they go out with the next one whose answer is wanted, in this order and
    /// without a wait between them.
    ///
    /// What goes wrong with one is thrown there.
    @discardableResult
    func post(_ sql: String, _ values: [(any SQLValue)?] = []) throws -> Reply {
        if queue.count >= Self.queueMax { try flush() }
        let reply = Reply()
        queue.append(Queued(sql: sql, values: values, reply: reply))
        return reply
    }

    /// Forgets the statements that have not gone out; returns them.
    @discardableResult
    func forget() -> [String] {
        defer { queue = [] }
        return queue.map(\.sql)
    }

    /// Sends what waits and reads all answers; where one fails, those behind it have not been run.
    func flush() throws {
        guard !queue.isEmpty else { return }
        try readUnread()
        let sent = queue
        queue = []
        guard PQenterPipelineMode(handle) == 1 else { throw lost }
        let introduced = try sent.map { try send($0) }
        guard PQpipelineSync(handle) == 1 else { throw lost }
        var trouble: (any Error)?
        for (one, introduction) in zip(sent, introduced) {
            if let introduction {
                do {
                    if try answer() == nil { statements?.forget(introduction) }
                } catch {
                    statements?.forget(introduction)
                    trouble = trouble ?? error
                }
            }
            do { one.reply.result = try answer() } catch { trouble = trouble ?? error }
            if isBroken { throw trouble ?? lost }
        }
        guard let end = PQgetResult(handle) else { throw trouble ?? lost }
        PQclear(end)
        guard PQexitPipelineMode(handle) == 1 else { throw trouble ?? lost }
        if let trouble { throw trouble }
    }

    /// Sends what waits and this behind it; its answer is read with the next that is asked.
    func sendUnread(_ sql: String) throws {
        try flush()
        try readUnread()
        guard PQenterPipelineMode(handle) == 1,
            PQsendQueryParams(handle, sql, 0, nil, nil, nil, nil, 1) == 1, PQpipelineSync(handle) == 1
        else { throw lost }
        hasUnread = true
    }

    private func readUnread() throws {
        guard hasUnread else { return }
        hasUnread = false
        _ = try answer()
        guard let end = PQgetResult(handle) else { throw lost }
        PQclear(end)
        guard PQexitPipelineMode(handle) == 1 else { throw lost }
    }

    /// Sends one; a statement that is to be kept is introduced first, and told.
    private func send(_ one: Queued) throws -> KeptStatements.Key? {
        try withEncoded(one.values) { count, types, pointers, lengths, formats in
            let key = KeptStatements.Key(sql: one.sql, types: types)
            guard let kept = statements?.name(of: key) else {
                guard PQsendQueryParams(handle, one.sql, count, types, pointers, lengths, formats, 1) == 1 else {
                    throw lost
                }
                return nil
            }
            if kept.isNew, PQsendPrepare(handle, kept.name, one.sql, count, types) != 1 { throw lost }
            guard PQsendQueryPrepared(handle, kept.name, count, pointers, lengths, formats, 1) == 1 else { throw lost }
            return kept.isNew ? key : nil
        }
    }

    /// The answer to what was sent next, up to the null that ends it; nil where it was not run, because one before it
    /// failed.
    private func answer() throws -> SQLResult? {
        guard let result = PQgetResult(handle) else { throw lost }
        defer {
            while !isBroken, let more = PQgetResult(handle) { PQclear(more) }
        }
        if PQresultStatus(result) == PGRES_PIPELINE_ABORTED {
            PQclear(result)
            return nil
        }
        return try checked(result)
    }

    private var lost: PostgresError { PostgresError(state: "", message: "no answer", isConnectionLost: true) }

    private typealias Pointers = [UnsafePointer<CChar>?]

    /// The values as libpq takes them, in the server's binary form.
    private func withEncoded<Value>(
        _ values: [(any SQLValue)?], _ body: (CInt, [Oid], Pointers, [CInt], [CInt]) throws -> Value
    ) rethrows -> Value {
        var bytes: [UInt8] = []
        var places: [Int?] = []
        var lengths: [CInt] = []
        for value in values {
            let start = bytes.count
            value?.encode(into: &bytes)
            places.append(value == nil ? nil : start)
            lengths.append(CInt(bytes.count - start))
        }
        // A parameter without a type (null) gets it from where it stands.
        let types: [Oid] = values.map { $0.map { type(of: $0).type } ?? 0 }
        let formats = [CInt](repeating: 1, count: values.count)
        // One byte more, so that an empty text at the end has an address.
        bytes.append(0)
        return try bytes.withUnsafeBufferPointer { buffer in
            let pointers = places.map { place in
                place.flatMap { place in
                    buffer.baseAddress.map { UnsafeRawPointer($0 + place).assumingMemoryBound(to: CChar.self) }
                }
            }
            return try body(CInt(values.count), types, pointers, lengths, formats)
        }
    }

    /// What other sessions have said on the channels that this one listens to, waiting for it at most so long.
    func notices(within duration: Duration) throws -> [String] {
        var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        _ = poll(&socket, 1, Int32(clamping: duration.milliseconds))
        guard PQconsumeInput(handle) == 1, !isBroken else {
            throw PostgresError(state: "", message: "the connection ended", isConnectionLost: true)
        }
        var heard: [String] = []
        while let notice = PQnotifies(handle) {
            heard.append(notice.pointee.extra.map { String(cString: $0) } ?? "")
            PQfreemem(notice)
        }
        return heard
    }

    private func checked(_ result: OpaquePointer?) throws -> SQLResult {
        guard let result else { throw PostgresError(state: "", message: "no answer", isConnectionLost: true) }
        let answer = SQLResult(result)
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return answer
        default:
            throw PostgresError(
                state: field(result, "C"), message: field(result, "M"), isConnectionLost: isBroken)
        }
    }

    private func field(_ result: OpaquePointer, _ code: Unicode.Scalar) -> String {
        PQresultErrorField(result, CInt(code.value)).map { String(cString: $0) } ?? ""
    }

    /// What the refusal of a connection was about: libpq gives no SQLSTATE for it.
    private static func state(ofRefusal words: String) -> String {
        let kinds = [
            // Before what else its words hold ("does not exist").
            ("certificate", PostgresTrouble.untrusted), ("server does not support SSL", PostgresTrouble.noTLS),
            ("SSL error", PostgresTrouble.noTLS), ("SSL SYSCALL", PostgresTrouble.noTLS),
            ("password authentication failed", "28P01"), ("no password supplied", "28P01"),
            ("no pg_hba.conf entry", "28000"), ("does not exist", "3D000"), ("too many clients", "53300"),
            ("remaining connection slots", "53300"), ("starting up", "57P03"), ("shutting down", "57P03"),
        ]
        return kinds.first { words.contains($0.0) }?.1 ?? ""
    }

    /// The texts as C sees them, with a null at the end.
    private static func withCStrings<Value>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) -> Value {
        var bytes: [CChar] = []
        var places: [Int] = []
        for text in texts {
            places.append(bytes.count)
            bytes += text.utf8CString
        }
        return bytes.withUnsafeBufferPointer { buffer in
            let pointers = places.map { place in buffer.baseAddress.map { $0 + place } } + [nil]
            return pointers.withUnsafeBufferPointer { pointers in
                // A buffer with the null in it is never empty.
                guard let base = pointers.baseAddress else {
                    preconditionFailure("an array with an element has a place")
                }
                return body(base)
            }
        }
    }
}
