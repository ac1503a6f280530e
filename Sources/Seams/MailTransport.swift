package import Model

/// A mail server, and how we speak with it.
package struct MailServer: Sendable, Hashable {
    package var host: String
    package var port: Int
    package var security: MailSecurity
    package var user: String?
    package var password: Redacted<String>?

    package init(host: String, port: Int, security: MailSecurity, user: String?, password: Redacted<String>?) {
        self.host = host
        self.port = port
        self.security = security
        self.user = user
        self.password = password
    }
}

/// A message for a mail server; with nobody to write to, only the way there is tried.
package struct OutboundMail: Sendable, Hashable {
    package var server: MailServer
    package var from: String
    package var to: [String]
    package var message: [UInt8]
    /// For the whole conversation.
    package var timeout: Duration

    package init(server: MailServer, from: String, to: [String], message: [UInt8], timeout: Duration) {
        self.server = server
        self.from = from
        self.to = to
        self.message = message
        self.timeout = timeout
    }
}

/// The reply with which a conversation ended.
package struct MailAnswer: Sendable, Hashable {
    /// What the reply answers; `end`: everything was taken.
    package enum Step: String, Sendable, Hashable {
        case greeting, hello, security, authentication, sender, recipient, data, end
    }

    package var code: Int
    package var text: String
    package var step: Step

    package init(code: Int, text: String, step: Step) {
        self.code = code
        self.text = text
        self.step = step
    }
}

/// How the engine reaches mail servers.
package protocol MailTransport: Sendable {
    func send(_ mail: OutboundMail) async throws(TransportError) -> MailAnswer
}

/// For worlds in which no mail is sent.
package struct NoMail: MailTransport {
    package init() {}

    package func send(_ mail: OutboundMail) async throws(TransportError) -> MailAnswer {
        throw TransportError(.connect, mayHaveArrived: false, "no mail is sent from here")
    }
}
