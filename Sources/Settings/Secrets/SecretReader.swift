package import Model

/// Finds the secrets that the settings name, in the environment and in files.
package struct SecretReader: Sendable {
    package static let secretSizeMax = 64 << 10

    private let environment: [String: String]
    private let file: String
    private let readFile: @Sendable (_ path: String) -> [UInt8]?

    /// Looks into these variables and files.
    ///
    /// `environment` holds the process's variables over those of `.env` (see `merged`). `readFile` reads a path that is
    /// absolute or relative to the configuration's folder; nil where it cannot. `file` is the configuration's name.
    package init(
        environment: [String: String], file: String, readFile: @escaping @Sendable (_ path: String) -> [UInt8]?
    ) {
        self.environment = environment
        self.file = file
        self.readFile = readFile
    }

    /// The variables of `.env` under those of the process, which win; an empty one of the process does not.
    package static func merged(process: [String: String], dotEnv: [String: String]) -> [String: String] {
        dotEnv.merging(process.filter { !$0.value.isEmpty }) { _, process in process }
    }

    /// All secrets, or every one that is missing.
    ///
    /// Blanks and line ends around a secret are trimmed, with a warning where a person may have pasted them; the one
    /// line end that most tools put behind a file's text is no reason for one.
    package func resolve(_ uses: [SecretUse]) -> SecretReading {
        var reading = SecretReading(secrets: ResolvedSecrets(), problems: [])
        for use in uses where reading.secrets[use.reference] == nil {
            switch text(of: use.reference) {
            case .failure(let trouble): reading.problems.append(problem(use, .error, trouble.message))
            case .success(let text):
                let trimmed = DotEnv.trim(text)
                let isBlankExpected = text == trimmed || isFile(use.reference) && text == trimmed + "\n"
                if trimmed.isEmpty {
                    reading.problems.append(problem(use, .error, "\(use.reference) is empty; \(remedy(use.reference))"))
                    continue
                }
                if !isBlankExpected {
                    reading.problems.append(
                        problem(use, .warning, "\(use.reference) has blanks at its ends; they were left out"))
                }
                reading.secrets.values[use.reference] = Redacted(trimmed)
            }
        }
        return reading
    }

    private struct Trouble: Error { var message: String }

    private func text(of reference: SecretReference) -> Result<String, Trouble> {
        switch reference {
        case .environment(let name):
            guard let value = environment[name] else {
                return .failure(Trouble(message: "the variable \(name) is not set; \(remedy(reference))"))
            }
            return .success(value)
        case .file(let path):
            guard let bytes = readFile(path) else {
                return .failure(Trouble(message: "the file \(path) cannot be read; \(remedy(reference))"))
            }
            guard bytes.count <= Self.secretSizeMax, let text = String(validating: bytes, as: UTF8.self) else {
                return .failure(Trouble(message: "the file \(path) holds no text of at most 64 KiB"))
            }
            return .success(text)
        }
    }

    private func remedy(_ reference: SecretReference) -> String {
        switch reference {
        case .environment(let name): "set \(name) in the environment or in .env beside \(file)"
        case .file: "put the secret there, readable for this user; paths are relative to \(file)"
        }
    }

    private func isFile(_ reference: SecretReference) -> Bool {
        if case .file = reference { true } else { false }
    }

    private func problem(
        _ use: SecretUse, _ severity: SettingsProblem.Severity, _ message: String
    ) -> SettingsProblem {
        SettingsProblem(severity: severity, file: file, line: use.line, column: 1, key: use.key, message: message)
    }
}

/// What came of looking for secrets.
package struct SecretReading: Sendable, Equatable {
    package var secrets: ResolvedSecrets
    /// Errors are secrets that are missing; the server does not start with one.
    package var problems: [SettingsProblem]

    package var errors: [SettingsProblem] { problems.filter { $0.severity == .error } }
    package var warnings: [SettingsProblem] { problems.filter { $0.severity == .warning } }
}

/// The secrets behind references; prints as dots.
package struct ResolvedSecrets: Sendable, Equatable {
    fileprivate(set) var values: [SecretReference: Redacted<String>]

    package init(_ values: [SecretReference: Redacted<String>] = [:]) { self.values = values }

    package var references: [SecretReference] { Array(values.keys) }

    package subscript(_ reference: SecretReference) -> Redacted<String>? { values[reference] }

    /// The secrets of each source by its name, the newest first.
    package func bySource(_ settings: Settings) -> [String: [Redacted<String>]] {
        Dictionary(
            settings.sources.map { ($0.name, $0.secrets.compactMap { self[$0] }) },
            uniquingKeysWith: { first, _ in first })
    }
}
