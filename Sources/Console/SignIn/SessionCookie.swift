internal import API

/// The cookie that carries a session's id.
enum SessionCookie {
    static let name = "throughline_session"

    /// Carried from here to a provider and back; `Lax`, because the way back begins at the provider's page.
    static let journeyName = "throughline_journey"

    static func id(in call: Call) -> String? { value(of: name, in: call) }
    static func journey(in call: Call) -> String? { value(of: journeyName, in: call) }

    static func journey(_ value: String, isSecure: Bool) -> (name: String, value: String) {
        (
            "set-cookie",
            "\(journeyName)=\(value); Path=/console/sign-in; Max-Age=600; HttpOnly; SameSite=Lax" + secure(isSecure)
        )
    }

    private static func value(of name: String, in call: Call) -> String? {
        for header in call.headers where header.name == "cookie" {
            for pair in header.value.split(separator: ";") {
                let parts = pair.drop(while: \.isWhitespace).split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == name, parts[1].utf8.count <= 128 { return String(parts[1]) }
            }
        }
        return nil
    }

    static func set(_ id: String, isSecure: Bool) -> (name: String, value: String) {
        let age = Sessions.lifetime.components.seconds
        return (
            "set-cookie", "\(name)=\(id); Path=/console; Max-Age=\(age); HttpOnly; SameSite=Strict" + secure(isSecure)
        )
    }

    static func clear(isSecure: Bool) -> (name: String, value: String) {
        ("set-cookie", "\(name)=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict" + secure(isSecure))
    }

    private static func secure(_ isSecure: Bool) -> String { isSecure ? "; Secure" : "" }
}
