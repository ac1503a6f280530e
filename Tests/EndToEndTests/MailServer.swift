import Foundation
import TestKit

/// A real mail server: aiosmtpd, which keeps what it is given in a folder.
final class MailServer {
    static let python = "/usr/bin/python3"
    /// Whether the Debian package is there.
    static let isInstalled: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", "import aiosmtpd"]
        process.standardError = FileHandle.nullDevice
        // Without Python there is no mail server either.
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    let folder: TemporaryFolder
    let port: Int
    private let process = Process()

    var certificate: String { folder.file("cert.pem") }

    /// `mode`: none, starttls or tls.
    ///
    /// User `u`, password `p`; the user `nobody` does not exist.
    init(_ mode: String) async throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        let made = try await Program.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                folder.file("key.pem"), "-out", folder.file("cert.pem"), "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ])
        guard made.status == 0 else { throw Trouble("openssl: \(made.errors)") }
        try Self.script.write(toFile: folder.file("server.py"), atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: Self.python)
        process.arguments = [folder.file("server.py"), mode, String(port), folder.path]
        try process.run()
        let path = folder.file("ready")
        try await eventually("the mail server is ready", within: 20) { FileManager.default.fileExists(atPath: path) }
    }

    deinit { if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) } }

    /// The messages that were taken, in order.
    var messages: [String] {
        (1...).lazy.map { self.folder.file("\($0).eml") }.prefix { FileManager.default.fileExists(atPath: $0) }
            .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
    }

    private static let script = """
        import asyncio, os, ssl, sys
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, LoginPassword, SMTP

        mode, port, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")

        class Handler:
            count = 0

            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith("nobody"):
                    return "550 5.1.1 no such user"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                Handler.count += 1
                path = f"{folder}/{Handler.count}.eml"
                with open(path + ".new", "wb") as file:
                    # Over an implicitly secure connection the session itself knows nothing of it.
                    file.write(b"X-Secure: " + (b"yes" if session.ssl or mode == "tls" else b"no") + b"\\r\\n")
                    file.write(envelope.content)
                os.rename(path + ".new", path)
                return "250 2.0.0 taken"

        def authenticate(server, session, envelope, mechanism, data):
            is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"u", b"p")
            return AuthResult(success=is_right, handled=False)

        class Server(Controller):
            def factory(self):
                return SMTP(
                    self.handler, hostname="mail.test", authenticator=authenticate,
                    auth_required=mode != "none", auth_require_tls=mode == "starttls",
                    require_starttls=mode == "starttls", tls_context=context if mode == "starttls" else None)

        Server(Handler(), hostname="127.0.0.1", port=port, ssl_context=context if mode == "tls" else None).start()
        open(f"{folder}/ready", "w").close()
        asyncio.new_event_loop().run_forever()
        """
}
