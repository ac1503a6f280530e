import Connectors
import Foundation
import Model
import NIOSSL
import Sandbox
import Seams
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    @Suite(.enabled(if: MailServer.isInstalled, "python3-aiosmtpd is not installed")) struct Alerting {}
}

extension `The whole product`.Alerting {
    private func mail(
        _ server: MailServer, _ security: MailSecurity, host: String = "localhost", password: String = "p",
        to: [String] = ["ops@acme.example"]
    ) -> OutboundMail {
        let message = MailMessage(
            id: "m-1", from: "alerts@acme.example", to: to, subject: "Grüße", text: "line\n.\nend", at: Stage.time.now)
        return OutboundMail(
            server: Seams.MailServer(
                host: host, port: server.port, security: security, user: security == .none ? nil : "u",
                password: Redacted(password)), from: "alerts@acme.example", to: to, message: message.bytes,
            timeout: .seconds(10))
    }

    /// Gives a client that trusts the server's own certificate, or nobody's.
    private func with<Value>(trusting server: MailServer?, _ body: (OutboundHTTP) async throws -> Value) async throws
        -> Value
    {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let server { tls.trustRoots = .file(server.certificate) }
        let http = OutboundHTTP(mailTLS: tls)
        let result: Result<Value, any Error>
        do { result = .success(try await body(http)) } catch { result = .failure(error) }
        try await http.shutdown()
        return try result.get()
    }

    @Test(arguments: [MailSecurity.starttls, .tls, .none])
    func `mail goes through a real server`(security: MailSecurity) async throws {
        let server = try await MailServer(security.rawValue)
        try await with(trusting: server) { http in
            let answer = try await http.send(mail(server, security))
            #expect(answer == MailAnswer(code: 250, text: "2.0.0 taken", step: .end))
            let message = try #require(server.messages.first)
            #expect(message.contains("X-Secure: \(security == .none ? "no" : "yes")"))
            #expect(message.contains("Message-ID: <m-1@acme.example>"))
            #expect(try await http.send(mail(server, security, to: [])).step == .end)
            let unknown = try await http.send(mail(server, security, to: ["ops@acme.example", "nobody@acme.example"]))
            #expect(unknown.code == 550 && unknown.step == .recipient)
            #expect(server.messages.count == 1)
            guard security != .none else { return }
            let refused = try await http.send(mail(server, security, password: "wrong"))
            #expect(refused.code == 535 && refused.step == .authentication)
        }
    }

    @Test(arguments: [MailSecurity.starttls, .tls])
    func `mail says nothing to a server that cannot prove who it is`(security: MailSecurity) async throws {
        let server = try await MailServer(security.rawValue)
        try await with(trusting: nil) { http in
            do throws(TransportError) {
                let answer = try await http.send(mail(server, security))
                Issue.record("it answered \(answer)")
            } catch {
                #expect(error.kind == .tls && !error.mayHaveArrived, "\(error)")
            }
        }
        #expect(server.messages.isEmpty)
    }

    @Test func `mail to nobody's port, and to what is no mail server, ends with words`() async throws {
        let server = try await MailServer("tls")
        try await with(trusting: nil) { http in
            var nowhere = mail(server, .none)
            nowhere.server.port = try FreePort.find()
            var silent = mail(server, .none)
            silent.timeout = .milliseconds(300)
            for (mail, kind) in [(nowhere, TransportError.Kind.connect), (silent, .timeout)] {
                do throws(TransportError) {
                    _ = try await http.send(mail)
                    Issue.record("it answered")
                } catch {
                    #expect(error.kind == kind && !error.mayHaveArrived, "\(error)")
                }
            }
        }
    }

    private func configuration(port: Int, mail: Int, api: Int) -> String {
        """
        product: Acme Assistant
        journal: sqlite:throughline.db
        http: { host: 127.0.0.1, port: \(port) }
        logs: json
        traces: { endpoint: "http://127.0.0.1:\(api)" }
        sources:
          chat: { kind: events, secrets: [env:CHAT_SECRET] }
        destinations:
          api: { kind: http, url: "http://127.0.0.1:\(api)", actions: { lead: { path: /leads } } }
          mail:
            kind: email
            host: 127.0.0.1
            port: \(mail)
            security: none
            from: alerts@acme.example
            to: [ops@acme.example]
        flows:
          - name: new lead
            on: lead_captured
            do: api.lead
            set: { email: $.email }
        alerts: { to: [mail] }
        """
    }

    private func subjects(_ server: MailServer) -> [String] {
        server.messages.flatMap { $0.split(whereSeparator: \.isNewline) }.filter { $0.hasPrefix("Subject: ") }
            .map(String.init)
    }

    @Test func `a dead letter is mailed once with its cost and once when it is over, in its sender's trace`()
        async throws
    {
        let mail = try await MailServer("none")
        let collector = try await Collector()
        let server = try ServerProcess(
            configuration: { configuration(port: $0, mail: mail.port, api: collector.port) },
            environment: ["CHAT_SECRET": DemoConfiguration.chatSecret])
        try await server.start()
        let trial = try await server.run("alerts", "test", "--json")
        #expect(trial.status == 0, "\(trial.output) \(trial.errors)")
        #expect(trial.output.contains(#""taken":true"#))
        #expect(subjects(mail).count == 1)

        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let lead = Stage.lead(1)
        let answer = try await server.send(
            "POST", "/in/chat",
            headers: lead.headers(at: Stage.time.now) + [.init("traceparent", "00-\(trace)-00f067aa0ba902b7-01")],
            body: lead.body)
        #expect(answer.status == 200)
        try await eventually("the alert is mailed", within: 50) { subjects(mail).count == 2 }
        #expect(subjects(mail)[1] == "Subject: [Acme Assistant] Alert: api has dead letters")
        let alerts = try await server.run("alerts", "list", "--json")
        #expect(alerts.output.contains("1 lead not sent to api"), "\(alerts.output)")
        let issues = try await server.run("issues", "list", "--json")
        #expect(issues.output.contains(#""error_class":"http_400""#), "\(issues.output)")

        let dead = try await server.api("GET", "/v1/jobs?state=dead")
        let job = try #require(dead["items"]?.array?.first?["id"]?.string)
        _ = try await server.api("POST", "/v1/jobs/\(job)/cancel")
        try await eventually("the end is mailed", within: 50) { subjects(mail).count == 3 }
        #expect(subjects(mail)[2].contains("Ended after"))

        // The call was a part of the sender's trace, and so are the spans.
        #expect(collector.calls.contains { $0.path == "/leads" && $0.traceparent?.contains(trace) == true })
        try await eventually("the spans have come", within: 20) {
            let spans = collector.spans.filter { $0["traceId"]?.string == trace }.compactMap { $0["name"]?.string }
            return Set(["receive chat", "plan lead_captured", "attempt api.lead"]).isSubset(of: spans)
        }
        let byName = Dictionary(grouping: collector.spans.filter { $0["traceId"]?.string == trace }) {
            $0["name"]?.string ?? ""
        }
        #expect(byName["receive chat"]?.first?["parentSpanId"] == "00f067aa0ba902b7")
        #expect(byName["plan lead_captured"]?.first?["parentSpanId"] == byName["receive chat"]?.first?["spanId"])
        #expect(byName["attempt api.lead"]?.first?["parentSpanId"] == byName["plan lead_captured"]?.first?["spanId"])
        #expect(try await server.stop() == 0)
        // Every line of the log is JSON with our keys, and says nothing of the person.
        let lines = server.log.split(separator: "\n")
        #expect(!lines.isEmpty)
        for line in lines { #expect(throws: Never.self) { try JSONObject(parsing: Array(line.utf8)) } }
        #expect(!server.log.contains("lead1@example.com"))
    }
}

/// Takes spans, and refuses leads.
private final class Collector {
    struct Call {
        var path: String
        var traceparent: String?
        var body: String
    }

    let folder: TemporaryFolder
    let port: Int
    private let process = Process()

    init() async throws {
        folder = try TemporaryFolder()
        port = try FreePort.find()
        try Self.script.write(toFile: folder.file("server.py"), atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: MailServer.python)
        process.arguments = [folder.file("server.py"), String(port), folder.path]
        try process.run()
        let path = folder.file("ready")
        try await eventually("the collector is ready", within: 20) { FileManager.default.fileExists(atPath: path) }
    }

    deinit { if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) } }

    var calls: [Call] {
        let text = (try? String(contentsOfFile: folder.file("calls"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard let call = try? JSONObject(parsing: Array(line.utf8)) else { return nil }
            return Call(
                path: call["path"]?.string ?? "", traceparent: call["traceparent"]?.string,
                body: call["body"]?.string ?? "")
        }
    }

    var spans: [JSONObject] {
        calls.filter { $0.path == "/v1/traces" }.flatMap { call -> [JSONObject] in
            let body = try? JSONValue(parsing: Array(call.body.utf8))
            return (body?["resourceSpans"]?.array ?? []).flatMap { $0["scopeSpans"]?.array ?? [] }
                .flatMap { $0["spans"]?.array ?? [] }.compactMap(\.object)
        }
    }

    private static let script = """
        import http.server, json, sys

        port, folder = int(sys.argv[1]), sys.argv[2]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                with open(f"{folder}/calls", "a") as file:
                    file.write(json.dumps({"path": self.path, "traceparent": self.headers.get("traceparent"),
                                           "body": body.decode()}) + "\\n")
                self.send_response(200 if self.path == "/v1/traces" else 400)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        open(f"{folder}/ready", "w").close()
        server.serve_forever()
        """
}
