internal import Journal
package import Logging
package import Model
package import Seams
package import Settings
internal import Synchronization

/// The door: verifies, reads and admits deliveries, and knows what to answer.
///
/// It knows nothing of HTTP servers.
package final class Intake: Sendable {
    private struct Readers {
        var byName: [String: SourceReader]

        init(settings: Settings, secrets: [String: [Redacted<String>]]) {
            byName = Dictionary(
                settings.sources.map { source in
                    let secrets = secrets[source.name] ?? []
                    return (source.name, SourceReader(source: source, secrets: secrets, catalogue: settings.catalogue))
                }, uniquingKeysWith: { first, _ in first })
        }
    }

    let admission: Admission
    let time: any TimeSource
    let mint: IDMint
    private let settings: LiveSettings
    private let logger: Logger
    private let readers: Mutex<Readers>
    private let refusals = Mutex(RefusalLog())

    /// `secrets` are the resolved secrets of each source, by its name.
    package init(
        settings: LiveSettings, secrets: [String: [Redacted<String>]], admission: Admission, time: any TimeSource,
        chance: any ChanceSource, logger: Logger
    ) {
        self.settings = settings
        self.admission = admission
        self.time = time
        self.logger = logger
        mint = IDMint(time: time, chance: chance)
        readers = Mutex(Readers(settings: settings.current, secrets: secrets))
    }

    /// Takes over the sources of the settings in force, with these secrets: after each reload.
    package func replaceSecrets(_ secrets: [String: [Redacted<String>]]) {
        let readers = Readers(settings: settings.current, secrets: secrets)
        self.readers.withLock { $0 = readers }
    }

    /// Takes `POST /in/{source}`: the answer comes after the commit, and nothing else follows it.
    package func receive(
        source: String, headers: [(name: String, value: String)], body: [UInt8]
    ) async -> IntakeAnswer {
        guard let reader = reader(source), !reader.source.kind.isInbox else { return .noSuchSource }
        guard body.count <= Limits.deliverySizeMax else { return .tooLarge(sizeMax: Limits.deliverySizeMax) }
        let delivery = InboundDelivery(headers: HeaderList(headers), body: body)
        guard MediaType.isJSON(delivery.headers.first("content-type")),
            MediaType.isPlain(encoding: delivery.headers.first("content-encoding"))
        else { return .wrongMediaType }
        let now = time.now
        let reception = reader.read(delivery, at: now, mint: mint)
        if case .refused(let refusal) = reception {
            record(refusal, of: delivery, reader: reader, at: now)
            return .unverified
        }
        return await admit(reception, payload: body)
    }

    /// The last deliveries that were not believed, the newest first, at most 20 of each source.
    package func recentRefusals() -> [Refusal] { refusals.withLock { $0.recent } }

    func reader(_ source: String) -> SourceReader? { readers.withLock { $0.byName[source] } }

    var eventsReaders: [SourceReader] {
        readers.withLock { $0.byName.values.filter { $0.source.kind == .events } }
    }

    // MARK: Keeping

    func admit(_ reception: Reception, payload: [UInt8]) async -> IntakeAnswer {
        guard let arrival = Self.arrival(of: reception, payload: payload) else { return .unverified }
        return await admit(reception, arrival: arrival)
    }

    func admit(_ reception: Reception, arrival: Arrival) async -> IntakeAnswer {
        do {
            return .of(reception, .success(try await admission.submit(arrival)))
        } catch {
            return .of(reception, .failure(error))
        }
    }

    /// What of a reception is kept; nil for what is not believed.
    static func arrival(of reception: Reception, payload: [UInt8]) -> Arrival? {
        switch reception {
        case .refused: return nil
        case .event(var event):
            event.trace = TraceContext.current?.traceparent
            return .event(event, payload: payload)
        case .rejected(let kept), .quarantined(let kept), .ignored(let kept): return .kept(kept)
        }
    }

    // MARK: Refusing

    private func record(
        _ refusal: SignatureRefusal, of delivery: InboundDelivery, reader: SourceReader, at now: Instant
    ) {
        let source = reader.source.name
        let mayLook = refusals.withLock { $0.mayLook(at: source, now: now) }
        let isMismatch = refusal.code == .mismatch || refusal.code == .noSecret
        let hints = mayLook && isMismatch ? reader.hints(for: delivery) : []
        let reason = ([refusal.reason] + hints).joined(separator: "; ")
        refusals.withLock { $0.record(Refusal(source: source, at: now, code: refusal.code, reason: reason)) }
        guard mayLook else { return }
        logger.warning(
            "delivery refused",
            metadata: [
                "source": "\(source)", "refusal.code": "\(refusal.code.rawValue)", "refusal.reason": "\(reason)",
            ])
    }
}
