import API
import Foundation
import Intake
import Model
import Seams
import Settings

/// The parsers that strangers reach; `THROUGHLINE_FUZZ` picks one.
enum Harness: String, CaseIterable {
    case json, stripe, events, zendesk, standard, hmac, signature, ndjson, settings, parameters

    static let chosen: Harness = {
        let name = ProcessInfo.processInfo.environment["THROUGHLINE_FUZZ"] ?? ""
        guard let harness = Harness(rawValue: name) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            FileHandle.standardError.write(Data("THROUGHLINE_FUZZ is one of \(names), not \"\(name)\".\n".utf8))
            exit(2)
        }
        return harness
    }()

    private static let now = Instant(seconds: 1_795_000_000)
    private static let secret = Redacted("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    private static let idPath = Path(steps: ["id"])
    private static let map = PayloadMap(
        type: Path(steps: ["type"]), types: ["lead": .leadCaptured, "paid": .paymentSucceeded])
    private static let mint = IDMint(time: FixedTime(now: now), chance: FixedChance())

    /// Reads `bytes` and stops the process where what was read breaks a promise.
    func run(_ bytes: [UInt8]) {
        switch self {
        case .json: readJSON(bytes)
        case .stripe: decode(bytes, .stripe(payments: .intents))
        case .events: decode(bytes, .events)
        case .zendesk: decode(bytes, .zendesk)
        case .standard: decode(bytes, .standard(Self.map))
        case .hmac: decode(bytes, .hmac(HMACScheme(header: "X-Signature"), id: Self.idPath, Self.map))
        case .signature: verify(bytes)
        case .ndjson: split(bytes)
        case .settings: readSettings(bytes)
        case .parameters: readParameters(bytes)
        }
    }

    /// What is read and written again is read as the same.
    private func readJSON(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes) else { return }
        guard let again = try? JSONValue(parsing: value.encoded) else { fatalError("what we wrote cannot be read") }
        precondition(again == value, "what we wrote is read as something else")
    }

    private func decode(_ bytes: [UInt8], _ kind: SourceKind) {
        switch Self.reader(kind).decode(bytes, id: nil, at: Self.now, mint: Self.mint) {
        case .event(let event):
            precondition(!event.externalID.isEmpty && event.externalID.utf8.count <= Limits.idLengthMax)
            precondition((try? JSONObject(parsing: event.data.encoded)) == event.data)
        case .refused: fatalError("a payload was refused for its signature")
        case .rejected, .quarantined, .ignored: break
        }
    }

    /// Header lines up to an empty line, then the body: none of it was signed, so none of it is authentic.
    private func verify(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let parts = text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts[0].split(separator: "\n").map { line in
            let pair = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (name: pair[0], value: pair.count > 1 ? pair[1] : "")
        }
        let delivery = InboundDelivery(headers: HeaderList(lines), body: parts.count > 1 ? Array(parts[1].utf8) : [])
        let timestamp = HMACScheme.Timestamp(header: "X-Time")
        for kind in [
            .stripe(payments: .intents), .events, .zendesk,
            .hmac(HMACScheme(header: "X-Signature", timestamp: timestamp), id: Self.idPath, Self.map),
        ] as [SourceKind] {
            let reader = Self.reader(kind)
            guard case .refused = reader.read(delivery, at: Self.now, mint: Self.mint) else {
                fatalError("a delivery that nobody signed was let in")
            }
            _ = reader.hints(for: delivery)
        }
    }

    private func split(_ bytes: [UInt8]) {
        for isLines in [true, false] {
            guard case .many(let items) = EventBatch(bytes, isLines: isLines) else { continue }
            precondition(items.count <= Limits.batchEventsMax)
            for item in items { decode(item.bytes, .events) }
        }
    }

    /// A file is taken, or each problem says where it stands.
    private func readSettings(_ bytes: [UInt8]) {
        let reading = SettingsFile.read(text: String(decoding: bytes, as: UTF8.self), file: "throughline.yaml")
        precondition(reading.settings != nil || !reading.problems.isEmpty, "refused without a reason")
    }

    private func readParameters(_ bytes: [UInt8]) {
        let query = Query(String(decoding: bytes, as: UTF8.self))
        precondition(query.pairs.count <= Query.pairsMax)
        guard let inputs = try? Inputs(query, known: Set(query.names), now: Self.now) else { return }
        for name in query.names {
            _ = try? inputs.text(name)
            _ = try? inputs.flag(name)
        }
    }

    private static func reader(_ kind: SourceKind) -> SourceReader {
        SourceReader(
            source: SourceSettings(name: "source", kind: kind, secrets: [], tolerance: .seconds(300)),
            secrets: [secret], catalogue: EventCatalogue())
    }
}

private struct FixedTime: TimeSource {
    var now: Instant
    var uptime: Duration { .zero }
    func sleep(for duration: Duration) async throws {}
}

private struct FixedChance: ChanceSource {
    func next() -> UInt64 { 4 }
}
