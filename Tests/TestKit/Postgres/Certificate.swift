internal import Foundation

/// A certificate for loopback, signed by itself: its own authority.
package struct Certificate: Sendable {
    private let folder: TemporaryFolder
    package var file: String { folder.file("certificate.pem") }
    package var key: String { folder.file("key.pem") }

    /// `host` is the name for which it stands (`127.0.0.1`).
    package init(for host: String = "127.0.0.1") async throws {
        folder = try TemporaryFolder()
        let isAddress = host.allSatisfy { $0.isNumber || $0 == "." }
        try await PostgresServer.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=\(host)", "-addext", "subjectAltName=\(isAddress ? "IP" : "DNS"):\(host)", "-keyout", key,
            "-out", file,
        ])
    }
}
