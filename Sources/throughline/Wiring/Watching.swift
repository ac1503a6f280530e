import Crypto
import Foundation
import Journal
import Model
import Seams
import Settings
import Synchronization
import Watch

/// The secrets in use by name, with marks that show a change and nothing else.
final class SecretMarks: Sendable {
    private let marks: Mutex<[SecretMark]>

    init(_ secrets: ResolvedSecrets) { marks = Mutex(Self.marks(of: secrets)) }

    var current: [SecretMark] { marks.withLock { $0 } }
    func replace(with secrets: ResolvedSecrets) {
        let new = Self.marks(of: secrets)
        marks.withLock { $0 = new }
    }

    /// Two bytes of a hash: a change is seen all but surely, and a guess is confirmed by nothing.
    private static func marks(of secrets: ResolvedSecrets) -> [SecretMark] {
        secrets.references.map { reference in
            let text = secrets[reference]?.revealed ?? ""
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("throughline secret mark".utf8), using: SymmetricKey(data: Array(text.utf8)))
            return SecretMark(name: reference.description, mark: Array(code.prefix(2)))
        }.sorted { $0.name < $1.name }
    }
}

extension TraceExporter.Collector {
    /// From the configuration, else from the variables that OpenTelemetry's own programs read; nil: from neither.
    init?(_ settings: Settings, secrets: ResolvedSecrets, environment: [String: String]) {
        if let traces = settings.traces {
            let headers = traces.headers.map { header in
                switch header.value {
                case .literal(let text): OutboundRequest.Header(header.name, text)
                case .secret(let reference, let prefix):
                    OutboundRequest.Header(header.name, prefix + (secrets[reference]?.revealed ?? ""))
                }
            }
            self.init(endpoint: traces.endpoint, headers: headers)
            return
        }
        let own = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 }
        let common = environment["OTEL_EXPORTER_OTLP_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 }
        guard environment["OTEL_SDK_DISABLED"] != "true", let endpoint = own ?? common,
            endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://")
        else { return nil }
        let headers = (environment["OTEL_EXPORTER_OTLP_HEADERS"] ?? "").split(separator: ",").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            return parts.count == 2
                ? OutboundRequest.Header(String(parts[0]).trimmingCharacters(in: .whitespaces), String(parts[1])) : nil
        }
        self.init(endpoint: endpoint, headers: headers)
    }
}
