internal import Model

/// How the small words of the configuration read: durations, rates, names, statuses.
///
/// Pure; nil is "not that".
enum Scalars {
    /// Ten years: longer than anything here is meant to last, and far from any overflow.
    static let durationMax: Duration = .seconds(3650 * 86_400)

    /// `500ms`, `2s`, `15m`, `1h`, `90d`: a whole number and one unit.
    static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), count <= 1_000_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .milliseconds(count)
        case "s": return .seconds(count)
        case "m": return .seconds(count * 60)
        case "h": return .seconds(count * 3600)
        case "d": return .seconds(count * 86_400)
        default: return nil
        }
    }

    /// `1%`, `99.5%`: a share as a fraction.
    static func share(_ text: String) -> Double? {
        guard text.hasSuffix("%"), text.utf8.count <= 8,
            text.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
            let percent = Double(text.dropLast()), percent > 0, percent <= 100
        else { return nil }
        return percent / 100
    }

    /// `100/10s`: so many calls in so long a time.
    static func rate(_ text: String) -> Rate? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count) else { return nil }
        let unit = parts[1].first?.isNumber == true ? String(parts[1]) : "1\(parts[1])"
        guard let per = duration(unit), per > .zero, per <= .seconds(86_400) else { return nil }
        return Rate(count: count, per: per)
    }

    /// `[a-z0-9][a-z0-9_-]{0,62}`: names of sources, destinations and flows; they stand in addresses and effect keys.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 63 else { return false }
        return isLowerOrDigit(first) && text.utf8.allSatisfy { isLowerOrDigit($0) || $0 == 0x2D || $0 == 0x5F }
    }

    /// `[a-z][a-z0-9_]{0,62}`: names of event types, actions and their fields.
    static func isIdentifier(_ text: String) -> Bool {
        isName(text) && text.utf8.first.map { !(0x30...0x39).contains($0) } == true && !text.contains("-")
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    /// `New lead!` as `new-lead`: lower case, anything but a-z and 0-9 as one hyphen, none at the ends.
    static func slug(_ name: String) -> String {
        let words = name.lowercased().utf8.split { !isLowerOrDigit($0) }
        let joined = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
        return String(String(joined.prefix(63)).reversed().drop { $0 == "-" }.reversed())
    }

    /// `200`, `200-299`: HTTP statuses.
    static func statuses(_ text: String) -> ClosedRange<Int>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = parts.first ?? nil, let last = parts.last ?? nil, parts.count <= 2,
            first <= last, first >= 200, last <= 499
        else { return nil }
        return first...last
    }

    /// `shadow`, `canary 25%`: how much of the world a flow may touch.
    static func rollout(_ text: String) -> Rollout? {
        switch text {
        case "off": return .off
        case "shadow": return .shadow
        case "on": return .on
        default:
            guard text.hasPrefix("canary "), text.hasSuffix("%"), text.utf8.count <= 16 else { return nil }
            let number = text.dropFirst(7).dropLast().drop { $0 == " " }
            guard number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let percent = Double(number),
                (0...100).contains(percent)
            else { return nil }
            return .canary(percent: percent)
        }
    }

    /// `127.0.0.1:9464`, `[::1]:9464`: where to listen.
    static func listener(_ text: String) -> HTTPSettings.Listener? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        return isHost(host) ? .init(host: host, port: port) : nil
    }

    /// A host's name or address, without a port.
    static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy {
                isLowerOrDigit($0 | 0x20) && $0 >= 0x30 || [0x2D, 0x2E, 0x3A, 0x5F].contains($0)
            }
    }

    /// `Content-Type`: a header's name, by RFC 9110, section 5.6.2.
    static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { isLowerOrDigit($0 | 0x20) && $0 >= 0x30 || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }
}
