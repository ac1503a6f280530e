internal import Crypto
internal import Journal
package import Model
package import Seams
package import Settings

/// One source as it is configured: whom it believes, and what its payloads mean.
///
/// It is pure: time and ids are handed in.
package struct SourceReader: Sendable {
    package let source: SourceSettings
    private let verifier: SignatureVerifier
    private let secrets: [Redacted<String>]
    private let catalogue: EventCatalogue

    package init(source: SourceSettings, secrets: [Redacted<String>], catalogue: EventCatalogue) {
        self.source = source
        self.secrets = secrets
        self.catalogue = catalogue
        let scheme: SignatureScheme =
            switch source.kind {
            case .stripe: .stripe
            // Nobody signs for an inbox: without a secret, whatever were posted to it is refused.
            case .events, .standard, .inbox: .standard
            case .zendesk: .zendesk
            case .hmac(let scheme, _, _): .hmac(scheme)
            }
        verifier = SignatureVerifier(scheme: scheme, secrets: secrets, tolerance: source.tolerance)
    }

    /// Verifies the delivery over its raw bytes, then reads it.
    package func read(_ delivery: InboundDelivery, at now: Instant, mint: IDMint) -> Reception {
        do {
            try verifier.verify(delivery, at: now)
        } catch {
            return .refused(error)
        }
        return decode(delivery.body, id: headerID(delivery.headers), at: now, mint: mint)
    }

    /// What may have gone wrong with a signature that fitted nothing; for the operator alone.
    package func hints(for delivery: InboundDelivery) -> [String] {
        SignatureDiagnosis.hints(for: delivery, verifier: verifier, secrets: secrets)
    }

    /// Reads a payload that is already known to be authentic.
    ///
    /// `id` is the delivery's id where its headers carried one (Zendesk, Standard Webhooks).
    package func decode(_ body: [UInt8], id: String?, at now: Instant, mint: IDMint) -> Reception {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: body)
        } catch {
            let code = error.code == .tooDeep ? "too_deep" : "invalid_json"
            let problem = Problem(code, "the body is not usable JSON: \(error.description)")
            return .rejected(kept(.quarantined, problem, Envelope(id: id), body: body, at: now, mint: mint))
        }
        return decode(value, body: body, id: id, at: now, mint: mint)
    }

    /// The same for a value that is read already; `body` is what is kept of it.
    func decode(_ value: JSONValue, body: [UInt8], id: String?, at now: Instant, mint: IDMint) -> Reception {
        var envelope = self.envelope(of: value)
        if let id, !id.isEmpty { envelope.id = id }
        let problem: Problem
        switch reading(of: value, envelope: envelope) {
        case .draft(let draft):
            return .event(event(draft, envelope: envelope, at: now, mint: mint))
        case .rejected(let found):
            return .rejected(kept(.quarantined, found, envelope, body: body, at: now, mint: mint))
        case .quarantined(let found):
            problem = found
        case .ignored(let found):
            return .ignored(kept(.ignored, found, envelope, body: body, at: now, mint: mint))
        }
        return .quarantined(kept(.quarantined, problem, envelope, body: body, at: now, mint: mint))
    }

    private func reading(of value: JSONValue, envelope: Envelope) -> Reading {
        guard let payload = value.object else {
            return .rejected(Problem("invalid_json", "the body is JSON, but not one object"))
        }
        guard let id = envelope.id, !id.isEmpty else {
            return .rejected(Problem("missing_id", "there is no id to tell this event from another", field: idField))
        }
        guard id.utf8.count <= Limits.idLengthMax, !id.utf8.contains(0) else {
            let problem = "the id must have at most \(Limits.idLengthMax) bytes, and none that is zero"
            return .rejected(Problem("invalid_field", problem, field: idField))
        }
        return switch source.kind {
        case .stripe(let payments): StripeReading(payments: payments, catalogue: catalogue).read(payload)
        case .events, .inbox: OwnEventReading(catalogue: catalogue).read(payload)
        case .zendesk: ZendeskReading(catalogue: catalogue).read(payload)
        case .standard(let map), .hmac(_, _, let map): MappedReading(map: map, catalogue: catalogue).read(payload)
        }
    }

    private func event(_ draft: EventDraft, envelope: Envelope, at now: Instant, mint: IDMint) -> Event {
        Event(
            id: mint.make(), source: source.name, externalID: envelope.id ?? "",
            externalType: envelope.type ?? draft.type.name, type: draft.type, role: draft.role,
            occurredAt: draft.occurredAt ?? now, receivedAt: now, session: draft.session, user: draft.user,
            data: draft.data)
    }

    // MARK: Ids

    private var idField: String {
        switch source.kind {
        case .stripe, .events, .inbox: "id"
        case .zendesk: "X-Zendesk-Webhook-Invocation-Id"
        case .standard: "webhook-id"
        case .hmac(_, let id, _): id.description
        }
    }

    private func headerID(_ headers: HeaderList) -> String? {
        switch source.kind {
        case .zendesk: headers.first("X-Zendesk-Webhook-Invocation-Id")
        case .standard: headers.first(headers.first("svix-signature") == nil ? "webhook-id" : "svix-id")
        case .stripe, .events, .hmac, .inbox: nil
        }
    }

    private func envelope(of value: JSONValue) -> Envelope {
        guard let payload = value.object else { return Envelope() }
        switch source.kind {
        case .stripe, .events, .zendesk, .inbox:
            return Envelope(id: payload["id"]?.string, type: Self.typeName(payload["type"]))
        case .standard(let map):
            return Envelope(type: Self.typeName(map.type.value(in: Scope(data: payload))))
        case .hmac(_, let id, let map):
            let scope = Scope(data: payload)
            return Envelope(
                id: id.value(in: scope).flatMap(Self.idText), type: Self.typeName(map.type.value(in: scope)))
        }
    }

    private static func idText(_ value: JSONValue) -> String? {
        switch value {
        case .string, .int: value.text
        default: nil
        }
    }

    private static func typeName(_ value: JSONValue?) -> String? {
        guard let name = value?.string, !name.isEmpty, name.utf8.count <= Limits.idLengthMax else { return nil }
        return FieldText.withoutNull(name)
    }

    /// What is kept of a payload that is too large to be read: its beginning, and the reason.
    func oversized(_ beginning: [UInt8], at now: Instant, mint: IDMint) -> KeptDelivery {
        let problem = Problem(
            "too_large",
            "it is larger than \(Limits.deliverySizeMax >> 20) MiB, and only its beginning is kept: "
                + "map fewer or shorter columns")
        return kept(.quarantined, problem, Envelope(), body: beginning, at: now, mint: mint)
    }

    private func kept(
        _ kind: KeptDelivery.Kind, _ problem: Problem, _ envelope: Envelope, body: [UInt8], at now: Instant,
        mint: IDMint
    ) -> KeptDelivery {
        let id = envelope.id.flatMap { id in
            (1...Limits.idLengthMax).contains(id.utf8.count) && !id.utf8.contains(0) ? id : nil
        }
        return KeptDelivery(
            id: mint.make(), kind: kind, source: source.name, externalID: id ?? Self.digest(body),
            externalType: envelope.type, code: problem.code, reason: problem.reason, field: problem.field,
            receivedAt: now, payload: body)
    }

    static let digestPrefix = "sha256:"

    private static func digest(_ body: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = SHA256.hash(data: body).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return digestPrefix + String(decoding: hex, as: UTF8.self)
    }
}
