package import Model

/// The names in `supabase/migrations`, as the Supabase CLI reads them: 14 digits of UTC time, `_`, a name, `.sql`.
package struct MigrationFolder: Sendable {
    package static let path = "supabase/migrations"

    private let names: [String]

    package init(names: [String]) { self.names = names.filter { Self.version($0) != nil }.sorted() }

    /// The newest migration of that name.
    package func newest(named name: String) -> String? { names.last { Self.title($0) == name } }

    /// A file name for a migration that comes after all that are there.
    package func next(named name: String, at now: Instant) -> String {
        var version = Self.digits(of: now)
        if let last = names.last.flatMap(Self.version), last >= version { version = Self.following(last) }
        return "\(version)_\(name).sql"
    }

    /// A name of letters, digits and underscores.
    package static func title(of words: String...) -> String {
        let text = words.joined(separator: "_").lowercased()
        return String(text.prefix(100).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    private static func version(_ file: String) -> String? {
        guard file.hasSuffix(".sql"), let end = file.firstIndex(of: "_") else { return nil }
        let digits = file[..<end]
        return digits.count == 14 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? String(digits) : nil
    }

    private static func title(_ file: String) -> Substring { file.dropFirst(15).dropLast(4) }

    /// The next number: it need not be a time to stand behind one.
    private static func following(_ version: String) -> String {
        Int64(version).map { String($0 + 1) } ?? version
    }

    private static func digits(of now: Instant) -> String {
        String(now.description.filter(\.isNumber).prefix(14))
    }
}
