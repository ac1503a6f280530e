internal import Model

/// Finds what may have gone wrong with a signature that fits no secret: for a person at three in the morning.
///
/// It costs several times a verification, so it is asked for now and then, not for each refusal.
enum SignatureDiagnosis {
    /// Bodies beyond this are not written anew to see whether another form of them fits.
    static let bodySizeMax = 64 << 10

    static func hints(
        for delivery: InboundDelivery, verifier: SignatureVerifier, secrets: [Redacted<String>]
    ) -> [String] {
        var hints: [String] = []
        if let changed = change(of: delivery, verifier: verifier) { hints.append(changed) }
        if let length = delivery.headers.first("content-length").flatMap({ Bytes.wholeNumber($0) }),
            length != Int64(delivery.body.count)
        {
            hints.append(
                "Content-Length says \(length) bytes, \(delivery.body.count) came: the body changed on the way")
        }
        return hints + secretHints(secrets, scheme: verifier.scheme) + modeHints(delivery, scheme: verifier.scheme)
    }

    private static func change(of delivery: InboundDelivery, verifier: SignatureVerifier) -> String? {
        // A header that makes no claim leaves nothing to look into.
        guard delivery.body.count <= bodySizeMax, let claim = try? verifier.scheme.claim(in: delivery.headers) else {
            // The refusal itself tells of headers that cannot be read.
            return nil
        }
        for (form, body) in forms(of: delivery.body) where body != delivery.body {
            guard verifier.isMatch(claim, body: body) else { continue }
            return "the body changed on the way: the signature fits its \(form) form;"
                + " a proxy or framework before us must pass the bytes on as they are"
        }
        return nil
    }

    private static func forms(of body: [UInt8]) -> [(String, [UInt8])] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var trimmed = body[...]
        while let first = trimmed.first, isSpace(first) { trimmed.removeFirst() }
        while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
        var forms = [("trimmed", Array(trimmed)), ("line-ended", Array(trimmed) + [0x0A])]
        // A body that is no JSON has no other JSON form.
        guard let value = try? JSONValue(parsing: body) else { return forms }
        forms.append(("compact", value.encoded))
        forms.append(("spaced", layout(value, indent: nil)))
        for indent in [2, 4] { forms.append(("indented", layout(value, indent: indent))) }
        return forms
    }

    /// JSON as common writers lay it out: indented, or (nil) on one line with a space after each `,` and `:`.
    private static func layout(_ value: JSONValue, indent: Int?, level: Int = 1) -> [UInt8] {
        func lineBreak(_ level: Int) -> String { indent.map { "\n" + String(repeating: " ", count: $0 * level) } ?? "" }
        let separator = indent == nil ? ", " : ","
        func list(_ open: String, _ items: [[UInt8]], _ close: String) -> [UInt8] {
            guard !items.isEmpty else { return Array((open + close).utf8) }
            var bytes = Array((open + lineBreak(level)).utf8)
            bytes += items.joined(separator: Array((separator + lineBreak(level)).utf8))
            return bytes + Array((lineBreak(level - 1) + close).utf8)
        }
        switch value {
        case .array(let elements):
            return list("[", elements.map { layout($0, indent: indent, level: level + 1) }, "]")
        case .object(let object):
            let items = object.members.map {
                JSONValue.string($0.key).encoded + Array(": ".utf8) + layout($0.value, indent: indent, level: level + 1)
            }
            return list("{", items, "}")
        default: return value.encoded
        }
    }

    private static func secretHints(_ secrets: [Redacted<String>], scheme: SignatureScheme) -> [String] {
        var hints: [String] = []
        let texts = secrets.map(\.revealed)
        if texts.contains(where: { $0 != Bytes.trimmed($0) }) {
            hints.append("a configured secret has spaces or a line end around it; they are left out, take them away")
        }
        if texts.contains(where: { Bytes.trimmed($0).contains(where: \.isWhitespace) }) {
            hints.append("a configured secret has white space inside it: was it copied whole?")
        }
        if scheme == .stripe || scheme == .standard {
            if texts.contains(where: { text in ["sk_", "rk_", "pk_"].contains { Bytes.trimmed(text).hasPrefix($0) } }) {
                hints.append("a configured secret is an API key; the signing secret of the endpoint begins with whsec_")
            } else if scheme == .stripe, texts.contains(where: { !Bytes.trimmed($0).hasPrefix("whsec_") }) {
                hints.append("a configured secret does not begin with whsec_, as Stripe's signing secrets do")
            }
        }
        return hints
    }

    private static func modeHints(_ delivery: InboundDelivery, scheme: SignatureScheme) -> [String] {
        // A body that cannot be read says nothing of its mode.
        guard scheme == .stripe, delivery.body.count <= bodySizeMax,
            let isLive = (try? JSONValue(parsing: delivery.body))?["livemode"]?.bool
        else { return [] }
        let mode = isLive ? "live" : "test"
        return [
            "the body calls itself a \(mode) event (unverified): each endpoint has a secret of its own for each mode,"
                + " and `stripe listen` has another; is the \(mode) one configured?"
        ]
    }
}
