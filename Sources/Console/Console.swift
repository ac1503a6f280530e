package import API
internal import Journal
internal import Logging
internal import Model
internal import Seams
internal import Settings

/// The pages for people, at `/console`: plain HTML forms that work without any script.
package struct Console: Sendable {
    let dependencies: Dependencies
    let sessions: Sessions
    let passwords: Passwords
    let renderer: Renderer
    let startedAt: Instant

    package init(dependencies: Dependencies, sessions: Sessions, passwords: Passwords) throws {
        self.dependencies = dependencies
        self.sessions = sessions
        self.passwords = passwords
        renderer = try Renderer()
        startedAt = dependencies.time.now
    }

    package var routes: [Route] {
        signInRoutes + overviewRoutes + trailRoutes + deadRoutes + quarantineRoutes + [stylesheet]
    }

    /// A path that signs in whoever opens it first, once and soon.
    package func makeSignInPath() -> String { "/console/enter?token=\(sessions.makeLink())" }

    private var stylesheet: Route {
        Route("GET", "/console/assets/console.css", .open) { _ in
            Answer(
                status: 200,
                headers: [
                    ("content-type", "text/css; charset=utf-8"), ("cache-control", "max-age=300"),
                    ("x-content-type-options", "nosniff"),
                ], body: PackageResources.console_css)
        }
    }

    /// A page for somebody who is signed in.
    ///
    /// `role`: the least that is needed.
    func page(
        _ method: String, _ template: String, _ role: UserRow.Role = .reader,
        handler: @escaping @Sendable (Visit) async throws -> Answer
    ) -> Route {
        Route(method, template, .open, media: method == "POST" ? .form : .none) { call in
            do {
                guard let visit = try await visit(of: call) else { return redirect(to: "/console/sign-in") }
                guard visit.session.role.includes(role) else {
                    throw Failure(
                        .forbidden, "Your role is \(visit.session.role.rawValue); this takes \(role.rawValue).")
                }
                if method == "POST" { try checkForm(visit) }
                return try await handler(visit)
            } catch {
                return failed(error, call)
            }
        }
    }

    private func visit(of call: Call) async throws -> Visit? {
        guard let id = SessionCookie.id(in: call), var session = sessions.session(id) else { return nil }
        if let email = session.email {
            // Read each time: whoever was removed or given another role is so at once.
            guard let user = try await dependencies.operating.user(email: email) else {
                sessions.close(id)
                return nil
            }
            session.role = user.row.role
        }
        return Visit(call: call, session: session, sessionID: id)
    }

    private func checkForm(_ visit: Visit) throws(Failure) {
        try Self.checkOrigin(visit.call)
        guard let sent = visit.form["csrf"], KeyText.isEqual(KeyText.hash(sent), KeyText.hash(visit.session.csrf))
        else {
            throw Failure(
                .forbidden, "This form is too old or came from elsewhere. Go back, reload the page, try again.")
        }
    }

    /// Browsers say where a form was sent from; another site's is refused before anything else is looked at.
    static func checkOrigin(_ call: Call) throws(Failure) {
        if let site = call.header("sec-fetch-site"), site != "same-origin", site != "none" {
            throw Failure(.forbidden, "This form came from another site.")
        }
    }

    func redirect(to path: String) -> Answer {
        Answer(status: 303, headers: Self.headers + [("location", path)])
    }

    func failed(_ error: any Error, _ call: Call) -> Answer {
        let plain = Answer.error(error, requestID: call.requestID)
        if plain.status >= 500 {
            dependencies.logger.error(
                "console page failed",
                metadata: [
                    "request.id": "\(call.requestID)",
                    "error": "\((error as? Failure)?.debugDescription ?? String(reflecting: error))",
                ])
        }
        let message =
            (error as? Failure)?.message ?? "Something went wrong here; the log has it under \(call.requestID)."
        return html(
            "message", ["heading": "That did not work", "message": .string(message)], nil, status: plain.status)
    }

    /// Renders a template into the frame of all pages.
    func html(_ template: String, _ values: JSONObject, _ visit: Visit?, status: Int = 200) -> Answer {
        var values = values
        if let visit {
            values["csrf"] = .string(visit.session.csrf)
            values["can_operate"] = .bool(visit.session.role.includes(.operator))
        }
        var frame: JSONObject = [
            "product": .string(dependencies.settings.current.product),
            "title": values["title"] ?? values["heading"] ?? "Console",
            "main": .string(""),
            "query": values["query"] ?? "",
        ]
        if let visit {
            frame["signed_in"] = true
            frame["who"] = .string(visit.session.email ?? "this machine")
            frame["role"] = .string(visit.session.role.rawValue)
            frame["csrf"] = .string(visit.session.csrf)
            frame["at_\(template)"] = true
        }
        frame["main"] = .string(renderer.render(template, values))
        return Answer(
            status: status, headers: Self.headers + [("content-type", "text/html; charset=utf-8")],
            body: Array(renderer.render("layout", frame).utf8))
    }

    static let headers: [(name: String, value: String)] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
                + "base-uri 'none'"
        ),
        ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
    ]
}

/// One request of somebody who is signed in.
struct Visit: Sendable {
    var call: Call
    var session: Sessions.Session
    var sessionID: String
    let form: Query

    init(call: Call, session: Sessions.Session, sessionID: String) {
        self.call = call
        self.session = session
        self.sessionID = sessionID
        form = Query(String(decoding: call.body, as: UTF8.self))
    }

    /// For the audit.
    var actor: String { session.email.map { "user \($0)" } ?? "sign-in link" }
}

extension UserRow.Role {
    /// A reader looks, an operator also acts, an administrator does all.
    func includes(_ other: UserRow.Role) -> Bool { rank >= other.rank }

    private var rank: Int {
        switch self {
        case .reader: 0
        case .operator: 1
        case .admin: 2
        }
    }
}
