package import ConnectorKit
internal import Journal
package import Model
internal import Seams

extension ZendeskConnector: RecordProvider {
    package var comparedActions: Set<String> { [ZendeskAction.openTicket.rawValue] }

    package func survey(since: Instant) -> any RecordSurvey { ZendeskSurvey(connector: self, since: since) }

    /// The doubles are closed with a word on where they went; nothing in them is lost.
    package func fold(_ doubles: [String], into kept: String) async throws(Setback) {
        let body: JSONObject = [
            "ids": .array(doubles.compactMap { Int64($0) }.map { .int($0) }),
            "target_comment": "Throughline: the same request had been opened twice; the other ticket was merged here.",
            "source_comment": .string("Throughline: the same request had been opened twice; see ticket \(kept)."),
            "target_comment_is_public": false, "source_comment_is_public": false,
        ]
        let visit = courier.visit(within: .seconds(60))
        let response = try await visit.send(
            "POST", "\(ZendeskTicket.path)/\(Encodings.percent(kept))/merge", body: body.encoded)
        guard response.isSuccess else { throw Setback(ZendeskAnswer(response: response, visit: visit).report) }
    }
}

/// Reads all tickets that changed since a moment from Zendesk's incremental export, once, and looks into what it read.
struct ZendeskSurvey: RecordSurvey {
    /// The export allows ten calls a minute.
    static let pace: Duration = .milliseconds(6100)
    /// Zendesk's export shows nothing that is younger than a minute.
    static let youngest: Duration = .seconds(60)

    private let connector: ZendeskConnector
    private let since: Instant
    private var isRead = false
    /// Tickets that are there, by their own id.
    private var live: Set<String> = []
    /// Tickets that are there and carry one marker, the oldest first.
    private var byMarker: [String: [String]] = [:]
    private(set) var isCut = false

    init(connector: ZendeskConnector, since: Instant) {
        self.connector = connector
        self.since = since
    }

    mutating func find(_ wanted: [WantedRecord]) async throws(Setback) -> [JobID: FoundRecord] {
        if !isRead { try await readAll() }
        var found: [JobID: FoundRecord] = [:]
        for record in wanted {
            let marked = byMarker[record.effect.digest] ?? []
            let own = record.record.id
            let kept = live.contains(own) ? own : marked.first
            guard let kept else { continue }
            found[record.job] = FoundRecord(ids: [kept] + marked.filter { $0 != kept })
        }
        return found
    }

    private mutating func readAll() async throws(Setback) {
        let courier = connector.courier
        let start = min(since, courier.time.now - Self.youngest).seconds
        var query = "start_time=\(start)"
        var count = 0
        while true {
            let desk = ZendeskDesk(visit: courier.visit(within: .seconds(60)))
            let page = try await desk.get("/api/v2/incremental/tickets/cursor?\(query)")
            guard let tickets = page["tickets"]?.array else {
                throw Setback(
                    .transient(
                        .init("unreadable_answer", "Zendesk answered without the tickets that were asked for"),
                        mayHaveHappened: false))
            }
            for ticket in tickets.compactMap(\.object) { note(ticket) }
            count += tickets.count
            guard page["end_of_stream"]?.bool == false, let cursor = page["after_cursor"]?.string else { break }
            guard count < Limits.listedMax else {
                isCut = true
                break
            }
            query = "cursor=\(Encodings.percent(cursor))"
            // Cut short by the end of the server: the next call says so.
            try? await courier.time.sleep(for: Self.pace)
        }
        isRead = true
    }

    /// A ticket may come again in a later page, as it has become since.
    private mutating func note(_ ticket: JSONObject) {
        guard let id = ticket["id"]?.text else { return }
        let tags = ticket["tags"]?.array?.compactMap(\.string) ?? []
        let isThere = ticket["status"]?.string != "deleted" && !tags.contains("closed_by_merge")
        if isThere { live.insert(id) } else { live.remove(id) }
        guard let marker = ticket["external_id"]?.string else { return }
        var marked = byMarker[marker] ?? []
        marked.removeAll { $0 == id }
        if isThere { marked.append(id) }
        byMarker[marker] = marked.sorted { (Int64($0) ?? 0) < (Int64($1) ?? 0) }
    }
}
