package import ConnectorKit
package import Journal
package import Model
package import Seams
package import Settings

/// Mail by SMTP: readable notices to fixed addresses, or to those that a flow names.
///
/// SMTP knows no key: a message whose end is unknown may come twice. Its `Message-ID` is the same each time, by which
/// many mailboxes show one.
package struct SMTPConnector: Connector {
    static let action = "send"

    private let declared: EmailDestination
    private let password: Redacted<String>?
    private let timeout: Duration
    private let world: World

    package init(settings: DestinationSettings, declared: EmailDestination, password: Redacted<String>?, world: World) {
        self.declared = declared
        self.password = password
        timeout = settings.timeout
        self.world = world
    }

    package var actions: [ActionDescription] {
        [
            ActionDescription(
                name: Self.action, effectClass: .unsafe,
                defaults: ["to", "subject", "text"].map { Flow.Assignment($0) })
        ]
    }

    package func prepare(_ effect: Effect) throws(EffectRefusal) -> StoredRequest {
        guard effect.action == Self.action else {
            throw .impossible(errorClass: "unknown_action", "mail has no action `\(effect.action)`")
        }
        let letter = Letter(effect: effect, to: declared.to)
        guard !letter.to.isEmpty, letter.to.count <= Letter.recipientsMax, letter.to.allSatisfy(Letter.isAddress)
        else {
            throw .impossible(
                errorClass: "invalid_recipient",
                "the mail needs 1 to \(Letter.recipientsMax) addresses: set `to` at the destination or in the flow")
        }
        return StoredRequest(
            "SEND", "",
            json: [
                "to": .array(letter.to.map { .string($0) }), "subject": .string(letter.subject),
                "text": .string(letter.text),
            ], at: effect.now)
    }

    package func perform(
        _ request: StoredRequest, for effect: Effect, approach: Approach, deadline: Duration
    ) async -> Report {
        // We rendered it; what cannot be read any more has no recipient and is refused below.
        let kept = (try? JSONObject(parsing: request.body)) ?? [:]
        let to = (kept["to"]?.array ?? []).compactMap(\.string)
        let message = MailMessage(
            id: effect.key.digest, from: declared.from, to: to, subject: kept["subject"]?.string ?? "",
            text: kept["text"]?.string ?? "", at: world.time.now)
        return await send(to: to, message.bytes, words: effect, within: min(deadline, timeout)).remembering(approach)
    }

    /// Signs in and sends nothing.
    package func probe() async -> Verdict { await send(to: [], [], words: nil, within: timeout).verdict }

    package func missingRequirements(for flows: [Flow], isCreating: Bool) async -> RequirementReport {
        RequirementReport()
    }

    private func send(to: [String], _ message: [UInt8], words effect: Effect?, within: Duration) async -> Report {
        if declared.password != nil, password == nil {
            return Report(
                .credentials(.init("secret_missing", "its password is not set: set it and reload the configuration")))
        }
        let masking = Masking(words: (password.map { [$0] } ?? []) + (effect?.personalWords ?? []))
        let mail = OutboundMail(
            server: MailServer(
                host: declared.host, port: declared.port, security: declared.security, user: declared.user,
                password: password), from: declared.from, to: to, message: message, timeout: within)
        do {
            let answer = try await world.mail.send(mail)
            return Report(SMTPAnswer.verdict(of: answer, masking: masking), status: answer.code)
        } catch {
            return Report(AnswerReading.verdict(of: error, masking: masking))
        }
    }
}

/// Replies by their class and by the step that they answer (RFC 5321, section 4.2).
enum SMTPAnswer {
    static func verdict(of answer: MailAnswer, masking: Masking) -> Verdict {
        let words = masking.masked(answer.text)
        let trouble = Verdict.Trouble("smtp_\(answer.code)", "the mail server answers \(answer.code): \(words)")
        switch (answer.code, answer.step) {
        case (200..<300, .end): return .succeeded(nil)
        case (421, _), (450..<453, _): return .slowDown(trouble, after: .seconds(60))
        case (400..<500, _): return .transient(trouble, mayHaveHappened: false, after: .seconds(60))
        case (_, .authentication):
            return .credentials(
                .init(
                    trouble.errorClass,
                    "the mail server refuses user or password (\(words)): set live ones, and reload"))
        case (_, .greeting), (_, .hello), (_, .security):
            return .blocked(trouble)
        case (_, .sender): return .blocked(trouble)
        default: return .permanent(trouble)
        }
    }
}

/// What a mail says.
struct Letter {
    static let recipientsMax = 50
    static let subjectMax = 200

    var to: [String]
    var subject: String
    var text: String

    init(effect: Effect, to declared: [String]) {
        func word(_ field: String) -> String? { effect.fields.present(field)?.text }
        let listed = effect.fields.present("to")?.array?.compactMap(\.string)
        to = listed ?? word("to").map { [$0] } ?? declared
        let alert = AlertText(effect)
        let summary = EventSummary(effect: effect).text
        subject =
            (word("subject") ?? alert.map { "[\($0.product)] \($0.line)" } ?? summary)
            .split(whereSeparator: \.isNewline).joined(separator: " ").cut(to: Self.subjectMax)
        text = (word("text") ?? alert?.text ?? summary) + (effect.trailURL.map { "\n\n\($0)" } ?? "")
    }

    /// An address that can stand in a command as it is: `local@domain` without blanks, brackets or controls.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 254
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>()[],;:\\\"".utf8.contains($0) }
    }
}
