package import API
package import Journal
internal import Logging
internal import Model
package import Seams
package import ServiceLifecycle
internal import Settings

/// The pages for people, at `/console`: plain HTML and forms that work without any script.
package struct Console: Sendable {
    let dependencies: Dependencies
    let survey: any SurveyJournal
    let backstage: any Backstage
    let sessions: Sessions
    let passwords: Passwords
    let providers: Providers
    let renderer: Renderer
    let figures: FigureCache
    let desk: BulkDesk
    /// Who has a page open that follows what happens.
    let followers = Followers()
    let startedAt: Instant

    package init(
        dependencies: Dependencies, survey: any SurveyJournal, backstage: any Backstage, sessions: Sessions,
        passwords: Passwords, http: any HTTPTransport
    ) throws {
        self.dependencies = dependencies
        self.survey = survey
        self.backstage = backstage
        self.sessions = sessions
        self.passwords = passwords
        providers = Providers(
            http: http, time: dependencies.time, chance: dependencies.chance, secret: { backstage.secret($0) })
        renderer = try Renderer()
        figures = FigureCache(reading: dependencies.reading, time: dependencies.time)
        desk = BulkDesk(dependencies: dependencies)
        startedAt = dependencies.time.now
    }

    package var routes: [Route] {
        signInRoutes + providerRoutes + nowRoutes + trailRoutes + eventRoutes + jobRoutes + deadRoutes + bulkRoutes
            + quarantineRoutes + reconciliationRoutes + destinationRoutes + flowRoutes + alertRoutes + auditRoutes
            + settingsRoutes
            + [live] + assetRoutes + elsewhereRoutes
    }

    /// A browser that is given the server's bare address, and pages that do not exist.
    private var elsewhereRoutes: [Route] {
        let nothing = "There is nothing at this path; /openapi.json lists what there is."
        let root = Route("GET", "/", .open) { call in
            guard call.header("accept")?.contains("text/html") == true else {
                return .error(404, code: "not_found", nothing, requestID: call.requestID)
            }
            return redirect(to: "/console")
        }
        return [root]
            + (1...3).map { depth in
                let template = "/console" + (1...depth).map { "/{part\($0)}" }.joined()
                return page("GET", template) { _ in throw Failure(.notFound, "There is no such page.") }
            }
    }

    /// What carries out orders for many things.
    package var services: [any Service] { [desk] }

    /// A path that signs in whoever opens it first, once and soon.
    package func makeSignInPath() -> String { "/console/enter?token=\(sessions.makeLink())" }

    var now: Instant { dependencies.time.now }
    var settings: Settings { dependencies.settings.current }

    /// A page for somebody who is signed in.
    ///
    /// `role`: the least that is needed.
    func page(
        _ method: String, _ template: String, _ role: UserRow.Role = .reader, bodySizeMax: Int? = nil,
        handler: @escaping @Sendable (Visit) async throws -> Answer
    ) -> Route {
        Route(method, template, .open, media: method == "POST" ? .form : .none, bodySizeMax: bodySizeMax) { call in
            var visit: Visit?
            do {
                visit = try await self.visit(of: call)
                guard let visit else { return redirect(to: "/console/sign-in") }
                guard visit.session.role.includes(role) else {
                    throw Failure(
                        .forbidden, "Your role is \(visit.session.role.rawValue); this takes \(role.rawValue).")
                }
                if method == "POST" { try checkForm(visit) }
                return try await handler(visit)
            } catch {
                return await failed(error, call, visit)
            }
        }
    }

    func visit(of call: Call) async throws -> Visit? {
        guard let id = SessionCookie.id(in: call), var session = sessions.session(id) else { return nil }
        if let email = session.email {
            // Read each time: whoever was removed, or got another role or password, is so at once.
            guard let user = try await dependencies.operating.user(email: email),
                session.password == nil || session.password == KeyText.hash(user.passwordHash)
            else {
                sessions.close(id)
                return nil
            }
            session.role = user.row.role
        }
        return Visit(call: call, session: session, sessionID: id)
    }

    private func checkForm(_ visit: Visit) throws(Failure) {
        try checkOrigin(visit.call)
        guard let sent = visit.form["csrf"], KeyText.isEqual(KeyText.hash(sent), KeyText.hash(visit.session.csrf))
        else {
            throw Failure(
                .forbidden, "This form is too old or came from elsewhere. Go back, reload the page, try again.")
        }
    }

    /// Browsers say where a form was sent from; another site's is refused before anything else is looked at.
    ///
    /// Towards plain HTTP on another machine some say only the origin.
    func checkOrigin(_ call: Call) throws(Failure) {
        if let site = call.header("sec-fetch-site"), site != "same-origin", site != "none" {
            throw Failure(.forbidden, "This form came from another site.")
        }
        guard let origin = call.header("origin").map(Self.authority) else { return }
        let own = [call.header("host")?.lowercased(), settings.http.publicURL.map(Self.authority)]
        guard own.contains(origin) else {
            throw Failure(
                .forbidden,
                "This form came from another site. Behind a proxy that gives the server another Host, set "
                    + "http.public_url.")
        }
    }

    /// `example.com:8080` of `https://example.com:8080/path`.
    private static func authority(_ url: String) -> String {
        String(
            (url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).first ?? "")
                .prefix { $0 != "/" }
        ).lowercased()
    }

    /// Only to paths of the console, which are written here.
    func redirect(to path: String) -> Answer {
        Answer(status: 303, headers: Self.headers + [("location", path)])
    }

    func failed(_ error: any Error, _ call: Call, _ visit: Visit? = nil) async -> Answer {
        let plain = Answer.error(error, requestID: call.requestID)
        if plain.status >= 500, (error as? Failure)?.code != .overloaded {
            dependencies.logger.error(
                "console page failed",
                metadata: [
                    "request.id": "\(call.requestID)",
                    "error": "\((error as? Failure)?.debugDescription ?? String(reflecting: error))",
                ])
        }
        let message =
            (error as? Failure)?.message ?? "Something went wrong here; the log has it under \(call.requestID)."
        let values: JSONObject = [
            "title": "That did not work", "heading": "That did not work", "message": .string(message),
        ]
        // A journal that cannot be read has no figures for the frame either.
        if let visit, let page = try? await html("message", in: "", values, visit, status: plain.status) { return page }
        return door("message", values, status: plain.status)
    }

    /// A page that says one thing.
    func message(
        _ heading: String, _ words: String, in section: String, _ visit: Visit, status: Int = 200,
        extra: JSONObject = [:]
    ) async throws -> Answer {
        var values: JSONObject = [
            "title": .string(heading), "heading": .string(heading), "message": .string(words),
        ]
        for member in extra.members { values[member.key] = member.value }
        return try await html("message", in: section, values, visit, status: status)
    }

    func note(_ visit: Visit, _ action: String, _ target: String, detail: String? = nil) async throws {
        try await dependencies.operating.note(
            AuditRow(at: now, actor: visit.actor, action: action, target: target, detail: detail))
    }
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
