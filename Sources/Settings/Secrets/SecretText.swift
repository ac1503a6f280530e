extension SecretReference {
    /// `env:NAME` or `file:PATH`; nil for anything else.
    package init?(_ text: String) {
        if text.hasPrefix("env:") {
            let name = String(text.dropFirst(4))
            guard Self.isVariable(name) else { return nil }
            self = .environment(name)
        } else if text.hasPrefix("file:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= 4096, !path.contains("\0") else { return nil }
            self = .file(path: path)
        } else {
            return nil
        }
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`, as shells have it.
    static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first), name.utf8.count <= 255 else { return false }
        return name.utf8.allSatisfy {
            (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
    }
}

extension FileReader {
    /// Where a secret stands.
    ///
    /// A secret in plain text is refused and never repeated.
    mutating func secret(_ node: FileNode?) -> SecretReference? {
        guard let node else { return nil }
        guard let reference = node.text.flatMap(SecretReference.init) else {
            let found = node.text == nil || node.isEmpty ? "found \(node.summary)" : "a secret in plain text is refused"
            report(node, "expected env:NAME or file:PATH; \(found); put it into .env and name it here")
            return nil
        }
        secrets.append(SecretUse(reference: reference, key: node.path, line: node.line))
        return reference
    }
}
