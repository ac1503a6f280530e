import Connectors
import Foundation
import Model
import Settings

/// A configuration as it was found: what it says, where it stands, and its secrets.
struct LoadedConfiguration: Sendable {
    var settings: Settings
    /// Paths in the file are relative to it.
    var folder: String
    var file: String
    var secrets: ResolvedSecrets
    /// Where the file names which secret.
    var uses: [SecretUse]
    var warnings: [SettingsProblem]

    /// Where the journal is, with its secret.
    var journal: JournalPlace {
        get throws {
            switch settings.journal {
            case .sqlite(let path): return .sqlite(path: path.hasPrefix("/") ? path : folder + "/" + path)
            case .postgres(let reference):
                guard let url = secrets[reference] else {
                    throw Failure(
                        .configuration, "The journal's address \(reference) is not set. Put it into .env.",
                        field: "journal")
                }
                return .postgres(url: url)
            }
        }
    }
}

/// Finds and reads `throughline.yaml` and the `.env` beside it.
enum ConfigurationLoader {
    /// `--config`, else `THROUGHLINE_CONFIG`, else `throughline.yaml` here.
    static func path(_ option: String?) -> String {
        let name =
            option ?? ProcessInfo.processInfo.environment["THROUGHLINE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
            ?? "throughline.yaml"
        return URL(filePath: name).standardizedFileURL.path
    }

    /// Reads the file without its secrets.
    static func read(_ option: String?) throws -> (reading: SettingsReading, file: String, folder: String) {
        let path = path(option)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw Failure(
                .configuration, "\(path) is a folder. Name the file in it: --config \(path)/throughline.yaml.")
        }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            guard !FileManager.default.fileExists(atPath: path) else {
                throw Failure(
                    .configuration, "\(path) is there, but this user may not read it. Check its owner and its mode.")
            }
            throw Failure(
                .configuration, "\(path) cannot be read. Write one with: throughline init, or name it with --config.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(
                .configuration, "\(path) is no UTF-8 text. Save it as UTF-8, without which names could be misread.")
        }
        let reading = SettingsFile.read(
            text: text, file: (path as NSString).lastPathComponent,
            actions: { ConnectorFactory.actionNames(of: $0) })
        return (reading, path, (path as NSString).deletingLastPathComponent)
    }

    static func secrets(_ reading: SettingsReading, file: String, folder: String) -> SecretReading {
        var environment = ProcessInfo.processInfo.environment
        var problems: [SettingsProblem] = []
        let path = folder + "/.env"
        let bytes = FileManager.default.contents(atPath: path)
        if let bytes {
            let dotEnv = DotEnv.parse(String(decoding: bytes, as: UTF8.self))
            environment = SecretReader.merged(process: environment, dotEnv: dotEnv.values)
            problems = dotEnv.problems
        }
        let reader = SecretReader(environment: environment, file: (file as NSString).lastPathComponent) { path in
            FileManager.default.contents(atPath: path.hasPrefix("/") ? path : folder + "/" + path).map { Array($0) }
        }
        var result = reader.resolve(reading.secrets)
        if bytes == nil, FileManager.default.fileExists(atPath: path) {
            // It may hold what is missing; where nothing is, the process's own variables do without it.
            problems.append(
                SettingsProblem(
                    severity: result.errors.isEmpty ? .warning : .error, file: ".env", line: 0, column: 0, key: "",
                    message: "it is there, but this user may not read it; check its owner and its mode"))
        }
        result.problems = problems + result.problems
        return result
    }

    /// Reads all of it; every error at once.
    ///
    /// `needsSecrets`: missing ones are errors too.
    static func load(_ option: String?, needsSecrets: Bool) throws -> LoadedConfiguration {
        let (reading, file, folder) = try read(option)
        let secrets = secrets(reading, file: file, folder: folder)
        let errors = reading.errors + (needsSecrets ? secrets.errors : [])
        guard let settings = reading.settings, errors.isEmpty else {
            throw Failure(.configuration, Self.list(errors))
        }
        return LoadedConfiguration(
            settings: settings, folder: folder, file: file, secrets: secrets.secrets, uses: reading.secrets,
            warnings: reading.warnings + secrets.warnings)
    }

    private static func list(_ errors: [SettingsProblem]) -> String {
        let count = errors.count == 1 ? "1 error" : "\(errors.count) errors"
        return "the configuration has \(count):\n" + errors.map { "  \($0.description)" }.joined(separator: "\n")
    }
}
