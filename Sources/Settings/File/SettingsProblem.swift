/// One thing that is wrong in a settings file, and where.
package struct SettingsProblem: Sendable, Hashable, CustomStringConvertible {
    package enum Severity: String, Sendable, Hashable {
        /// The file cannot be used.
        case error
        /// The file works, and something in it is probably not meant.
        case warning
    }

    package var severity: Severity
    package var file: String
    /// From 1; zero where no line is to blame.
    package var line: Int
    /// From 1, counted in Unicode scalars.
    package var column: Int
    /// The key's path, as `flows[2].do`; empty for the file as a whole.
    package var key: String
    /// What was expected, what was found, what to do; never a secret.
    package var message: String

    package init(
        severity: Severity = .error, file: String, line: Int, column: Int, key: String, message: String
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    /// Like a compiler's: `throughline.yaml:12:5: flows[0].do: no destination is called "crn"`.
    package var description: String {
        let place = line > 0 ? "\(file):\(line):\(column): " : "\(file): "
        let word = severity == .warning ? "warning: " : ""
        return place + word + (key.isEmpty ? "" : "\(key): ") + message
    }
}

/// What came of reading a settings file.
package struct SettingsReading: Sendable, Equatable {
    /// Nil exactly where there is an error among the problems.
    package var settings: Settings?
    /// Every error and warning, in the order of the file.
    package var problems: [SettingsProblem]
    /// Every secret that the settings name, with the key that names it.
    package var secrets: [SecretUse]

    package var errors: [SettingsProblem] { problems.filter { $0.severity == .error } }
    package var warnings: [SettingsProblem] { problems.filter { $0.severity == .warning } }
}
