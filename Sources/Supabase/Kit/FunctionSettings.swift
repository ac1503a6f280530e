/// The tables of `supabase/config.toml` that the functions need.
package enum FunctionSettings {
    /// The tables that the text lacks, as text to put behind it; nil where all are there.
    ///
    /// Their senders carry signatures or keys of their own. Without these tables each deploy turns the platform's check
    /// of a Supabase token on, and every delivery is refused with 401.
    package static func missing(from text: String) -> String? {
        let headers = text.split(whereSeparator: \.isNewline).map(header)
        let missing = KitFile.functionNames.filter { name in
            !["[functions.\(name)]", "[functions.\"\(name)\"]"].contains(where: headers.contains)
        }
        return missing.isEmpty ? nil : tables(missing)
    }

    /// All of them, for a project that has no `config.toml` yet.
    package static var all: String { tables(KitFile.functionNames) }

    private static func tables(_ names: [String]) -> String {
        "\n# Throughline: these functions check signatures or keys of their own.\n"
            + names.map { "[functions.\($0)]\nverify_jwt = false\n" }.joined(separator: "\n")
    }

    private static func header(_ line: Substring) -> String {
        String(line.prefix { $0 != "#" }.filter { !$0.isWhitespace })
    }
}
