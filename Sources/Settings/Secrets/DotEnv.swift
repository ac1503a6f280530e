/// Reads a `.env` file: `KEY=VALUE` lines, for secrets beside the configuration.
package enum DotEnv {
    package struct Reading: Sendable, Equatable {
        package var values: [String: String]
        package var problems: [SettingsProblem]
    }

    /// The variables of the text; where one is given twice, the last one holds.
    ///
    /// `export` before a key, blank lines and `#` comments are allowed. A value in single quotes is taken as it is; in
    /// double quotes `\n`, `\t`, `\"`, `\\` and `\$` are read; without quotes it ends at ` #` or the line's end, blanks
    /// trimmed. Nothing is expanded. A line that reads as nothing of this is a problem and is left out; its text is
    /// never repeated, since it may be a secret.
    package static func parse(_ text: String, file: String = ".env") -> Reading {
        var reading = Reading(values: [:], problems: [])
        for (index, line) in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = trim(String(line))
            guard !trimmed.isEmpty, !trimmed.hasPrefix("#") else { continue }
            let pair = assignment(trimmed)
            if let key = pair.key, let value = pair.value {
                reading.values[key] = value
                continue
            }
            reading.problems.append(
                SettingsProblem(
                    file: file, line: index + 1, column: 1, key: pair.key ?? "",
                    message: pair.key == nil
                        ? "expected KEY=VALUE" : "a quote is not closed, or something stands after it"))
        }
        return reading
    }

    private static func assignment(_ line: String) -> (key: String?, value: String?) {
        guard let equals = line.firstIndex(of: "=") else { return (nil, nil) }
        var key = trim(String(line[..<equals]))
        if key.hasPrefix("export ") { key = trim(String(key.dropFirst(7))) }
        guard SecretReference.isVariable(key) else { return (nil, nil) }
        return (key, value(trim(String(line[line.index(after: equals)...]))))
    }

    private static func value(_ text: String) -> String? {
        guard let quote = text.first, quote == "'" || quote == "\"" else { return bare(text) }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                let after = trim(String(rest))
                return after.isEmpty || after.hasPrefix("#") ? value : nil
            }
            guard quote == "\"", character == "\\", let escaped = rest.popFirst() else {
                value.append(character)
                continue
            }
            switch escaped {
            case "n": value.append("\n")
            case "t": value.append("\t")
            case "\"", "\\", "$": value.append(escaped)
            default: value += "\\\(escaped)"
            }
        }
        return nil
    }

    private static func bare(_ text: String) -> String {
        var value = ""
        for character in text {
            if character == "#", value.isEmpty || value.last?.isWhitespace == true { break }
            value.append(character)
        }
        return trim(value)
    }

    static func trim(_ text: String) -> String {
        let left = text.unicodeScalars.drop { $0.properties.isWhitespace }
        return String(String.UnicodeScalarView(left.reversed().drop { $0.properties.isWhitespace }.reversed()))
    }
}
