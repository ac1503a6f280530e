/// How names and texts are written in SQL, whatever stands in them.
enum SQLText {
    /// `"odd ""name"""`.
    static func identifier(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    /// `'it''s'`.
    ///
    /// Right where `standard_conforming_strings` is on, as it is unless somebody turns it off.
    static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    /// A name that Postgres would cut, or that could end a comment of ours, is none.
    static func isName(_ name: String) -> Bool {
        (1...nameLengthMax).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control && $0.value != 0x2028 && $0.value != 0x2029
            }
    }

    static let nameLengthMax = 63

    /// Text between two tags that stand nowhere in it.
    static func dollarQuoted(_ body: String, tag: String) -> String {
        var tag = tag
        while body.contains("$\(tag)$") { tag += "_" }
        return "$\(tag)$\n\(body)\n$\(tag)$"
    }
}
