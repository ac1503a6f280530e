internal import Model
package import Seams

/// One conversation with a mail server (RFC 5321), as a value: replies go in, what to do comes out.
///
///     greeting -> hello -> [security -> hello] -> [authentication] -> sender -> recipient... -> data -> end
///
/// With nobody to write to, it ends once it is signed in.
package struct SMTPDialogue: Sendable {
    package enum Action: Sendable, Hashable {
        case send([UInt8])
        /// The connection becomes a secure one; then `secured()`.
        case secure
        case end(MailAnswer)
    }

    private enum State: Sendable, Hashable {
        case greeting, hello, startingTLS, plain, loginUser, loginPassword, sender
        case recipient(Int)
        case data, message, over
    }

    private let mail: OutboundMail
    private let name: String
    private var state = State.greeting
    private var isSecure: Bool
    /// The message has gone out and its end is not known: it may have been taken.
    package private(set) var mayHaveArrived = false

    /// `name` is how we call ourselves.
    package init(_ mail: OutboundMail, name: String = "localhost") {
        self.mail = mail
        self.name = name
        isSecure = mail.server.security == .tls
    }

    package mutating func take(_ reply: SMTPReply) -> Action {
        switch state {
        case .greeting: return reply.isOK ? hello() : end(reply, .greeting)
        case .hello: return reply.isOK ? afterHello(reply) : end(reply, .hello)
        case .startingTLS: return reply.isOK ? .secure : end(reply, .security)
        case .plain, .loginPassword: return reply.isOK ? afterSigningIn(reply) : end(reply, .authentication)
        case .loginUser:
            guard reply.code == 334 else { return end(reply, .authentication) }
            return enter(.loginPassword, secret(mail.server.password?.revealed ?? ""))
        case .sender: return reply.isOK ? recipient(0) : end(reply, .sender)
        case .recipient(let index): return reply.isOK ? recipient(index + 1) : end(reply, .recipient)
        case .data:
            guard reply.code == 354 else { return end(reply, .data) }
            mayHaveArrived = true
            state = .message
            return .send(Self.stuffed(mail.message) + Array(".\r\n".utf8))
        case .message:
            mayHaveArrived = false
            return end(reply, reply.isOK ? .end : .data)
        case .over: return end(reply, .end)
        }
    }

    /// The connection is a secure one now.
    package mutating func secured() -> Action {
        isSecure = true
        return hello()
    }

    private mutating func hello() -> Action { enter(.hello, "EHLO \(name)") }

    private mutating func afterHello(_ reply: SMTPReply) -> Action {
        if mail.server.security == .starttls, !isSecure {
            guard reply.offers("STARTTLS") else {
                return end(SMTPReply(code: 502, lines: ["the server offers no STARTTLS"]), .security)
            }
            return enter(.startingTLS, "STARTTLS")
        }
        guard let user = mail.server.user else { return afterSigningIn(reply) }
        let password = mail.server.password?.revealed ?? ""
        if reply.offersAuthentication("PLAIN") {
            return enter(.plain, "AUTH PLAIN " + secret("\0\(user)\0\(password)"))
        }
        guard reply.offersAuthentication("LOGIN") else {
            return end(
                SMTPReply(code: 504, lines: ["the server offers neither AUTH PLAIN nor AUTH LOGIN"]), .authentication)
        }
        return enter(.loginUser, "AUTH LOGIN " + secret(user))
    }

    private func secret(_ text: String) -> String { Encodings.base64(Array(text.utf8)) }

    private mutating func afterSigningIn(_ reply: SMTPReply) -> Action {
        guard !mail.to.isEmpty else { return end(reply, .end) }
        return enter(.sender, "MAIL FROM:<\(mail.from)>")
    }

    private mutating func recipient(_ index: Int) -> Action {
        guard index < mail.to.count else { return enter(.data, "DATA") }
        return enter(.recipient(index), "RCPT TO:<\(mail.to[index])>")
    }

    private mutating func enter(_ state: State, _ line: String) -> Action {
        self.state = state
        return .send(Array("\(line)\r\n".utf8))
    }

    private mutating func end(_ reply: SMTPReply, _ step: MailAnswer.Step) -> Action {
        state = .over
        return .end(MailAnswer(code: reply.code, text: reply.lines.joined(separator: " "), step: step))
    }

    /// A dot at the beginning of a line is doubled (section 4.5.2).
    private static func stuffed(_ message: [UInt8]) -> [UInt8] {
        var (result, isLineStart): ([UInt8], Bool) = ([], true)
        result.reserveCapacity(message.count + 16)
        for byte in message {
            if isLineStart, byte == UInt8(ascii: ".") { result.append(byte) }
            result.append(byte)
            isLineStart = byte == UInt8(ascii: "\n")
        }
        if !isLineStart { result += Array("\r\n".utf8) }
        return result
    }
}

/// A whole reply of a mail server, of one line or several.
package struct SMTPReply: Sendable, Hashable {
    package var code: Int
    package var lines: [String]

    package init(code: Int, lines: [String]) {
        self.code = code
        self.lines = lines
    }

    var isOK: Bool { (200..<300).contains(code) }

    func offers(_ word: String) -> Bool { lines.contains { $0.uppercased().split(separator: " ").first == word[...] } }

    func offersAuthentication(_ mechanism: String) -> Bool {
        lines.contains { line in
            let words = line.uppercased().split { $0 == " " || $0 == "=" }
            return words.first == "AUTH" && words.dropFirst().contains(mechanism[...])
        }
    }
}

/// Puts replies together out of bytes.
package struct SMTPReplyReader: Sendable {
    package struct Malformed: Error {
        package init() {}
    }
    package static let sizeMax = 64 << 10

    private var rest: [UInt8] = []
    private var lines: [String] = []
    private var size = 0

    package init() {}

    /// Whether nothing is left of a reply that has not ended.
    package var isEmpty: Bool { rest.isEmpty && lines.isEmpty }

    /// The whole replies that these bytes bring to their end.
    package mutating func take(_ bytes: some Sequence<UInt8>) throws(Malformed) -> [SMTPReply] {
        var replies: [SMTPReply] = []
        for byte in bytes {
            size += 1
            guard size <= Self.sizeMax else { throw Malformed() }
            guard byte == UInt8(ascii: "\n") else {
                rest.append(byte)
                continue
            }
            if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
            let line = String(decoding: rest, as: UTF8.self)
            rest = []
            guard line.utf8.count >= 3, let code = Int(line.prefix(3)), (200..<600).contains(code) else {
                throw Malformed()
            }
            lines.append(String(line.dropFirst(4)))
            if line.utf8.count == 3 || line.dropFirst(3).first == " " {
                replies.append(SMTPReply(code: code, lines: lines))
                (lines, size) = ([], 0)
            }
        }
        return replies
    }
}
