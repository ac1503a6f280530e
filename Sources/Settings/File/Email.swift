internal import Model

extension FileReader {
    mutating func emailDestination(_ map: FileMap, isInsecure: Bool) -> EmailDestination? {
        let host = value(required("host", in: map, "the mail server's name"), "a host like smtp.example.com") {
            Scalars.isHost($0) ? $0 : nil
        }
        let security = choice(map["security"], as: MailSecurity.self) ?? .starttls
        let port = integer(map["port"], in: 1...65_535)
        let user = text(map["user"], "the user's name")
        let password = secret(map["password"])
        let from = address(required("from", in: map, "the sender's address"))
        let to = oneOrMore(map["to"], of: "addresses").compactMap { address($0) }
        if (map["user"] == nil) != (map["password"] == nil), let node = map["user"] ?? map["password"] {
            report(node, "user and password go together")
        }
        let isLocal = ["127.0.0.1", "localhost", "::1"].contains(host ?? "")
        if security == .none, !isLocal, !isInsecure, let node = map["security"] {
            report(node, "mail in the open is for a server on this machine, or for one with insecure: true")
        }
        guard let host, let from else { return nil }
        let usual = [MailSecurity.starttls: 587, .tls: 465, .none: 25]
        return EmailDestination(
            host: host, port: port ?? usual[security] ?? 587, security: security, user: user, password: password,
            from: from, to: to)
    }

    private mutating func address(_ node: FileNode?) -> String? {
        value(node, "an address like ops@example.com") { text in
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>()[],;:\\\"".utf8.contains($0) }
            return parts.count == 2 && parts.allSatisfy({ !$0.isEmpty }) && isPlain ? text : nil
        }
    }
}
