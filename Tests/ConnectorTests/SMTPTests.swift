import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Settings
import Synchronization
import TestKit
import Testing

@Suite struct `A conversation with a mail server` {
    private func mail(
        _ security: MailSecurity = .starttls, user: String? = "u", to: [String] = ["ops@acme.example"],
        message: String = "Subject: x\r\n\r\n.hidden\r\nplain\r\n"
    ) -> OutboundMail {
        OutboundMail(
            server: MailServer(
                host: "smtp.acme.example", port: 587, security: security, user: user, password: Redacted("p")),
            from: "a@acme.example", to: to, message: Array(message.utf8), timeout: .seconds(5))
    }

    /// What is said when these replies come in turn.
    private func talk(_ mail: OutboundMail, _ replies: String...) throws -> (said: [String], end: MailAnswer?) {
        var (dialogue, reader) = (SMTPDialogue(mail, name: "us"), SMTPReplyReader())
        var (said, end): ([String], MailAnswer?) = ([], nil)
        for text in replies {
            for reply in try reader.take("\(text)\r\n".utf8) {
                var action = dialogue.take(reply)
                if case .secure = action {
                    said.append("(secure)")
                    action = dialogue.secured()
                }
                switch action {
                case .send(let bytes): said.append(String(decoding: bytes, as: UTF8.self))
                case .secure: break
                case .end(let answer): end = answer
                }
            }
        }
        return (said, end)
    }

    @Test func `secures the connection before anything is said, and signs in after that`() throws {
        let (said, end) = try talk(
            mail(), "220 hi", "250-smtp\r\n250-STARTTLS\r\n250 AUTH PLAIN", "220 go",
            "250-smtp\r\n250 AUTH LOGIN PLAIN",
            "235 ok", "250 ok", "250 ok", "354 go", "250 queued as 7")
        #expect(
            said == [
                "EHLO us\r\n", "STARTTLS\r\n", "(secure)", "EHLO us\r\n", "AUTH PLAIN AHUAcA==\r\n",
                "MAIL FROM:<a@acme.example>\r\n", "RCPT TO:<ops@acme.example>\r\n", "DATA\r\n",
                "Subject: x\r\n\r\n..hidden\r\nplain\r\n.\r\n",
            ])
        #expect(end == MailAnswer(code: 250, text: "queued as 7", step: .end))
    }

    @Test func `says no password where the server offers no secure connection`() throws {
        let (said, end) = try talk(mail(), "220 hi", "250-smtp\r\n250 AUTH PLAIN")
        #expect(said == ["EHLO us\r\n"])
        #expect(end?.step == .security && end?.code == 502)
    }

    @Test func `signs in by LOGIN where there is nothing else`() throws {
        let (said, _) = try talk(
            mail(.tls), "220 hi", "250 AUTH LOGIN", "334 UGFzc3dvcmQ6", "235 ok")
        #expect(said.dropFirst() == ["AUTH LOGIN dQ==\r\n", "cA==\r\n", "MAIL FROM:<a@acme.example>\r\n"])
        let refused = try talk(mail(.tls), "220 hi", "250 AUTH PLAIN", "535 5.7.8 bad")
        #expect(refused.end == MailAnswer(code: 535, text: "5.7.8 bad", step: .authentication))
    }

    @Test func `goes to all recipients or to none`() throws {
        let two = mail(.none, user: nil, to: ["a@x.example", "b@x.example"])
        let (said, end) = try talk(two, "220 hi", "250 smtp", "250 ok", "250 ok", "550 no such user")
        #expect(!said.contains("DATA\r\n"))
        #expect(end?.step == .recipient)
    }

    @Test func `ends once it is signed in where nobody is written to`() throws {
        let (said, end) = try talk(mail(.none, user: nil, to: []), "220 hi", "250 smtp")
        #expect(said == ["EHLO us\r\n"])
        #expect(end?.step == .end)
    }

    @Test func `may have been heard only between the last dot and its answer`() throws {
        var dialogue = SMTPDialogue(mail(.none, user: nil))
        for reply in [(220, false), (250, false), (250, false), (250, false), (354, true), (250, false)] {
            _ = dialogue.take(SMTPReply(code: reply.0, lines: [""]))
            #expect(dialogue.mayHaveArrived == reply.1)
        }
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\n", "99 x\r\n", "2x0 y\r\n", String(repeating: "250-a\r\n", count: 20_000)])
    func `ends with what is no mail server`(text: String) {
        var reader = SMTPReplyReader()
        #expect(throws: SMTPReplyReader.Malformed.self) { try reader.take(text.utf8) }
    }
}

@Suite struct `Mail` {
    /// Remembers what it was given, and answers as it was told.
    private final class Post: MailTransport {
        let mails = Mutex<[OutboundMail]>([])
        let answer: Result<MailAnswer, TransportError>
        init(_ answer: Result<MailAnswer, TransportError>) { self.answer = answer }
        func send(_ mail: OutboundMail) async throws(TransportError) -> MailAnswer {
            mails.withLock { $0.append(mail) }
            return try answer.get()
        }
    }

    private static let taken = MailAnswer(code: 250, text: "ok", step: .end)

    private func connector(_ post: Post, password: String? = "hunter2", to: [String] = ["ops@acme.example"])
        -> SMTPConnector
    {
        let declared = EmailDestination(
            host: "smtp.acme.example", port: 587, security: .starttls, user: "u", password: .environment("P"),
            from: "alerts@acme.example", to: to)
        return SMTPConnector(
            settings: DestinationSettings(name: "mail", kind: .email(declared)), declared: declared,
            password: password.map { Redacted($0) },
            world: World(
                time: ManualTime(Fixture.now), chance: SeededChance(seed: 1), http: ScriptedTransport(status: 500),
                mail: post))
    }

    private func message(_ effect: Effect) async throws -> String {
        let post = Post(.success(Self.taken))
        _ = try await connector(post).make(effect)
        return String(decoding: try #require(post.mails.withLock { $0.first }).message, as: UTF8.self)
    }

    private func body(_ message: String) throws -> String {
        let lines = message.components(after: "\r\n\r\n").filter { !$0.isNewline }
        return String(decoding: try #require(Base64.decode(lines)), as: UTF8.self)
    }

    @Test func `tells an alert with its cost and what to do, under one Message-ID`() async throws {
        let effect = Fixture.effect("send", type: .alertOpened, data: `A pager`.alert, fields: [:])
        let first = try await message(effect)
        #expect(first.contains("Subject: [Acme] Alert: crm has dead letters\r\n"))
        #expect(first.contains("Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"))
        #expect(first.contains("Message-ID: <\(effect.key.digest)@acme.example>\r\n"))
        #expect(first.contains("Auto-Submitted: auto-generated\r\n"))
        let text = try body(first)
        #expect(text.contains("It costs: 2 leads not in the CRM (crm).") && text.contains("2 jobs were given up."))
        #expect(try await message(effect) == first)
    }

    @Test func `lets nobody write a header, and says other letters than ours as they are`() async throws {
        let fields: JSONObject = [
            "subject": "Grüße\r\nBcc: all@example.com", "text": "Zeile\n.\nEnde", "to": "ops@acme.example",
        ]
        let message = try await message(Fixture.effect("send", set: fields))
        #expect(!message.contains("\r\nBcc:"))
        #expect(message.contains("Subject: =?utf-8?B?"))
        #expect(message.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
        #expect(try body(message).hasPrefix("Zeile\r\n.\r\nEnde"))
    }

    @Test(arguments: ["x>\r\nRCPT TO:<y@z", "no address", "a@b@c", "ünï@example.com", ""])
    func `goes to no address that is none`(address: String) throws {
        let post = Post(.success(Self.taken))
        let effect = Fixture.effect("send", set: ["to": .array([.string(address)])])
        #expect(throws: EffectRefusal.self) { try connector(post).prepare(effect) }
        #expect(throws: EffectRefusal.self) { try connector(post, to: []).prepare(Fixture.effect("send", fields: [:])) }
    }

    @Test(arguments: [
        (535, MailAnswer.Step.authentication, Kind.credentials), (451, .data, .slowDown), (421, .greeting, .slowDown),
        (454, .security, .transient), (550, .recipient, .permanent), (550, .sender, .blocked),
        (554, .greeting, .blocked), (554, .data, .permanent), (502, .security, .blocked),
    ])
    func `reads replies`(code: Int, step: MailAnswer.Step, kind: Kind) async throws {
        let post = Post(.success(MailAnswer(code: code, text: "hunter2 refused for ada@example.com", step: step)))
        let report = try await connector(post).make(Fixture.effect("send", fields: [:]))
        #expect(Kind(report.verdict) == kind)
        let words = report.trouble?.message ?? ""
        #expect(!words.contains("hunter2") && !words.contains("ada@"))
    }

    @Test func `may have been sent where the answer to its end is lost`() async throws {
        let post = Post(.failure(TransportError(.broken, mayHaveArrived: true, "gone")))
        let report = try await connector(post).make(Fixture.effect("send", fields: [:]))
        guard case .transient(_, true, _) = report.verdict else {
            Issue.record("\(report.verdict)")
            return
        }
        let unset = try await connector(Post(.success(Self.taken)), password: nil)
            .make(Fixture.effect("send", fields: [:]))
        #expect(Kind(unset.verdict) == .credentials)
    }
}

extension String {
    fileprivate func components(after separator: String) -> Substring {
        firstRange(of: separator).map { self[$0.upperBound...] } ?? ""
    }
}

private enum Base64 {
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var (bits, count, bytes): (UInt32, Int, [UInt8]) = (0, 0, [])
        for character in text.utf8 where character != UInt8(ascii: "=") {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(digit)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
