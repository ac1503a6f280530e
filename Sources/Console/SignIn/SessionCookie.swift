internal import API

/// The cookie that carries a session's id.
enum SessionCookie {
    static let name = "throughline_session"

    static func id(in call: Call) -> String? {
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
