/// The parts of an `http` or `https` address that the configuration cares about.
struct WebAddress {
    var isSecure: Bool
    var host: String
    /// As it was written, without slashes at its end.
    var text: String

    /// Nil for anything but an absolute address with a host and without user, password, fragment, blank or control.
    init?(_ text: String) {
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://"), !text.contains("#") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@"), let host = Self.host(of: authority) else { return nil }
        self.isSecure = isSecure
        self.host = host
        self.text = String(text.reversed().drop { $0 == "/" }.reversed())
    }

    private static func host(of authority: Substring) -> String? {
        var host = authority
        var port = Substring("")
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            port = authority[authority.index(after: end)...]
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[colon...]
        }
        if !port.isEmpty {
            guard port.hasPrefix(":"), let number = Int(port.dropFirst()), (1...65_535).contains(number) else {
                return nil
            }
        }
        let name = host.lowercased()
        return Scalars.isHost(name) ? name : nil
    }

    /// This machine itself: plain HTTP stays inside it.
    var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || isAddress(beginningWith: "127.")
    }

    /// Link-local addresses (RFC 3927, RFC 4291) answer with a cloud machine's own credentials; none is ever called.
    var isLinkLocal: Bool {
        isAddress(beginningWith: "169.254.")
            || ["fe8", "fe9", "fea", "feb"].contains(where: { host.hasPrefix($0) }) && host.contains(":")
    }

    private func isAddress(beginningWith prefix: String) -> Bool {
        host.hasPrefix(prefix) && host.split(separator: ".").count == 4
            && host.allSatisfy { $0 == "." || $0.isNumber }
    }
}

extension FileReader {
    /// An address to which this server calls: `https`, or plain `http` to this machine or where `isInsecure`.
    mutating func outboundURL(_ node: FileNode?, isInsecure: Bool) -> String? {
        guard let node, let address = webAddress(node) else { return nil }
        if address.isLinkLocal {
            report(node, "link-local addresses are never called")
        } else if !address.isSecure, !address.isLoopback, !isInsecure {
            report(node, "plain http to another machine can be read on the way; write https, or insecure: true")
        }
        return address.text
    }

    /// An absolute http(s) address.
    mutating func webAddress(_ node: FileNode?) -> WebAddress? {
        guard let node else { return nil }
        if let address = node.text.flatMap(WebAddress.init) { return address }
        // What stands here may be a secret of another key, or hold a password: it is not repeated.
        report(node, "expected an address like https://hooks.acme.example, without user, password and #")
        return nil
    }
}
