import API
import Console
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Journal
import Logging
import Model
import NIOCore
import Seams
import Settings
import TestKit
import Watch

struct InlineWork: BlockingWork {
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value { try work() }
}

/// A whole surface over fakes, with keys of every scope.
struct House: Sendable {
    let journal = FakeJournal()
    let aftercare = FakeAftercare()
    let time = ManualTime()
    let meters = Meters()
    let readiness = Readiness()
    let dependencies: Dependencies
    let keys: [String: String]
    let localCredential = "local-credential-of-a-test"

    init(
        receiving: any Receiving = FakeReceiving(ReceiptAnswer(status: 200, body: ["status": "accepted"])),
        destinations: FakeDestinations = FakeDestinations(), publicURL: String? = nil,
        receipts: ReceiptSettings = ReceiptSettings()
    ) async throws {
        let chance = SeededChance(seed: 7)
        let passwords = Passwords(chance: chance, blocking: InlineWork(), costExponent: 4)
        let settings = Settings(
            product: "Acme <Assistant>", http: HTTPSettings(publicURL: publicURL),
            sources: [SourceSettings(name: "chat", kind: .events, secrets: [])],
            destinations: [
                DestinationSettings(
                    name: "crm", kind: .hubspot(token: .environment("T")), rate: Rate(count: 10, per: .seconds(1)))
            ], receipts: receipts)
        dependencies = Dependencies(
            settings: LiveSettings(settings), reading: journal, operating: journal, receiving: receiving,
            destinations: destinations, meters: meters,
            keys: KeyRing(journal: journal, time: time, localCredential: Redacted(localCredential)),
            readiness: readiness, time: time, chance: chance,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            wakePlanning: {}, wakeWork: {}, hashPassword: { try await passwords.hash($0) },
            aftercare: Aftercare(
                reconciling: aftercare, runs: aftercare, subjects: aftercare, pruning: aftercare,
                receipts: ReceiptDesk(journal: aftercare, time: time, chance: chance)))
        var keys: [String: String] = [:]
        for scope in KeyRow.Scope.allCases {
            let key = KeyText(chance: chance)
            let row = KeyRow(shown: key.shown, scope: scope, createdAt: time.now)
            try await journal.insertKey(row, hash: key.hash, by: "test")
            keys[scope.rawValue] = key.revealed
        }
        self.keys = keys
    }

    var routes: [Route] { Routes.all(dependencies) }

    var application: some ApplicationProtocol {
        Application(
            responder: Responder(
                routes: routes, keys: dependencies.keys, meters: meters, time: time, chance: dependencies.chance,
                logger: dependencies.logger), configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            logger: dependencies.logger)
    }

    /// The same on real connections, within these limits.
    func application(_ connections: ConnectionCount, room: DeliveryRoom = DeliveryRoom()) -> some ApplicationProtocol {
        Application(
            responder: Responder(
                routes: routes, keys: dependencies.keys, meters: meters, time: time, chance: dependencies.chance,
                logger: dependencies.logger, room: room), server: connections.server,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)), logger: dependencies.logger)
    }

    struct Reply: Sendable {
        var status: Int
        var headers: HTTPFields
        var text: String
        var json: JSONObject { (try? JSONObject(parsing: Array(text.utf8))) ?? [:] }
        var code: String? { json["error"]?["code"]?.string }
        func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
    }

    /// One request through the whole door, without a socket.
    func send(
        _ method: String, _ path: String, key: String? = nil, headers: [String: String] = [:], body: String? = nil,
        type: String? = "application/json"
    ) async throws -> Reply {
        var fields = HTTPFields()
        for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
        if let key { fields[.authorization] = "Bearer \(keys[key] ?? key)" }
        if body != nil, let type { fields[.contentType] = type }
        let sent = fields
        return try await application.test(.router) { client in
            try await client.execute(
                uri: path, method: .init(method) ?? .get, headers: sent, body: body.map { ByteBuffer(string: $0) }
            ) { response in
                Reply(
                    status: response.status.code, headers: response.headers, text: String(buffer: response.body))
            }
        }
    }
}

/// Rows with valid defaults.
enum Make {
    static let at = Instant(rfc3339: "2026-11-23T10:00:00Z") ?? Instant(milliseconds: 0)
    static func id<Tag>(_ number: UInt64, _ tag: Tag.Type = Tag.self) -> Identifier<Tag> {
        Identifier(at: at, random: (0, number))
    }
    static func after(_ milliseconds: Int64) -> Instant { at + .milliseconds(milliseconds) }

    static func event(_ number: UInt64 = 1, type: EventType = .leadCaptured, at: Instant = Make.at) -> EventRow {
        EventRow(
            event: Event(
                id: id(number), source: "chat", externalID: "lead-\(number)", externalType: type.name, type: type,
                occurredAt: at, receivedAt: at, data: ["email": "ada@example.com"]), subject: id(1), isPending: false)
    }

    static func job(_ number: UInt64 = 1, state: JobState = .completed, error: String? = nil) -> JobRow {
        JobRow(
            id: id(number), effect: EffectKey(text: "new-lead/crm.upsert_contact/lead/0"), flow: "new-lead",
            destination: "crm", action: "upsert_contact", state: state, event: id(1), fact: "lead", subject: id(1),
            attempts: 1, createdAt: after(12), endedAt: after(252), errorClass: error == nil ? nil : "http_500",
            error: error)
    }
}
