internal import API
internal import Journal
internal import Logging
internal import Model
internal import Seams
internal import Settings

extension Console {
    var signInRoutes: [Route] {
        [
            Route("GET", "/console/sign-in", .open) { call in
                do { return try await signInPage() } catch { return await failed(error, call) }
            },
            Route("POST", "/console/sign-in", .open, media: .form, bodySizeMax: 4 << 10) { call in
                do { return try await signIn(call) } catch { return await failed(error, call) }
            },
            Route("GET", "/console/enter", .open) { call in
                guard let token = call.query["token"], sessions.useLink(token) else {
                    return await failed(
                        Failure(
                            .forbidden,
                            "This link was used or is too old. Start the server again for a new one, or sign in."),
                        call)
                }
                return await enter(email: nil, role: .admin, call, by: "link")
            },
            page("POST", "/console/sign-out") { visit in
                sessions.close(visit.sessionID)
                var answer = redirect(to: "/console/sign-in")
                answer.headers.append(SessionCookie.clear(isSecure: isSecure))
                return answer
            },
        ]
    }

    /// Sign-in by somebody else's word.
    var providerRoutes: [Route] {
        [
            Route("GET", "/console/sign-in/with/{name}", .open) { call in
                do { return try await begin(call) } catch { return await refused(error, call) }
            },
            Route("POST", "/console/sign-in/with/{name}", .open, media: .form, bodySizeMax: 4 << 10) { call in
                do { return try await ask(call) } catch { return await refused(error, call) }
            },
            Route("GET", "/console/sign-in/back", .open) { call in
                do { return try await comeBack(call) } catch { return await refused(error, call) }
            },
        ]
    }

    private enum Problem: String {
        // The same words whatever was wrong: whether an address is known is nobody's business.
        case wrong = "That did not work. Check the address and the password."
        /// Told of any address alike, also where it is known and the password fits.
        case tooMany = "There were too many tries just now. Wait a minute, then try again."
    }

    private func signInPage(_ problem: Problem? = nil, address: String = "") async throws -> Answer {
        let isEmpty = try await dependencies.operating.users().isEmpty
        let providers = settings.console.signIn
        var answer = door(
            "signin",
            [
                "title": "Sign in", "problem": problem.map { .string($0.rawValue) } ?? .null,
                "has_users": .bool(!isEmpty),
                "product": .string(settings.product), "address": .string(address),
                "providers": .array(
                    providers.filter { !$0.kind.takesPassword }.map { Self.values(of: $0) }),
                "password_providers": .array(
                    providers.filter(\.kind.takesPassword).map { Self.values(of: $0) }),
            ], status: problem == nil ? 200 : problem == .tooMany ? 429 : 401)
        if problem == .tooMany { answer.headers.append(("retry-after", "60")) }
        return answer
    }

    private static func values(of provider: SignInProvider) -> JSONValue {
        ["name": .string(provider.name), "path": .string(PercentCoding.encode(provider.name))]
    }

    private func signIn(_ call: Call) async throws -> Answer {
        let (email, password) = try credentials(call)
        guard let password else { return try await signInPage(.wrong, address: email) }
        guard sessions.admitsSignIn(email) else { return try await signInPage(.tooMany, address: email) }
        let user = try await dependencies.operating.user(email: email)
        let fits = try await passwords.check(password, against: user?.passwordHash)
        guard fits, let user else {
            dependencies.logger.notice("sign-in refused", metadata: ["request.id": "\(call.requestID)"])
            return try await signInPage(.wrong, address: email)
        }
        sessions.forgive(email)
        return await enter(
            email: user.row.email, role: user.row.role, call, by: "password",
            password: KeyText.hash(user.passwordHash))
    }

    /// No password where what was sent is too long for one.
    private func credentials(_ call: Call) throws(Failure) -> (email: String, password: String?) {
        try checkOrigin(call)
        let form = Query(String(decoding: call.body, as: UTF8.self))
        let email = (form["email"] ?? "").lowercased()
        let password = form["password"] ?? ""
        let isShort = email.utf8.count <= Limits.idLengthMax && password.utf8.count <= Routes.passwordLengthMax
        return (email, isShort ? password : nil)
    }

    // MARK: Other providers

    private func provider(_ call: Call) throws(Failure) -> SignInProvider {
        guard let provider = settings.console.signIn.first(where: { $0.name == call.parameter("name") }) else {
            throw Failure(.notFound, "There is no sign-in of this name.")
        }
        return provider
    }

    private func begin(_ call: Call) async throws -> Answer {
        let (url, browser) = try await providers.begin(try provider(call), redirect: ownURL + "/console/sign-in/back")
        return Answer(
            status: 303,
            headers: Self.headers + [
                ("location", url), SessionCookie.journey(browser, isSecure: isSecure),
            ])
    }

    private func comeBack(_ call: Call) async throws -> Answer {
        guard let state = call.query["state"], let code = call.query["code"] else {
            throw TokenVerifier.Refusal("it sent nobody back")
        }
        let (name, email) = try await providers.finish(
            state: state, code: code, browser: SessionCookie.journey(in: call))
        return try await enter(known: email, call, by: name)
    }

    private func ask(_ call: Call) async throws -> Answer {
        let provider = try provider(call)
        let (email, password) = try credentials(call)
        guard let password, !password.isEmpty else { throw TokenVerifier.Refusal("there is nothing to try") }
        guard sessions.admitsSignIn(email) else { return try await signInPage(.tooMany, address: email) }
        let known = try await providers.ask(provider, email: email, password: password)
        let answer = try await enter(known: known, call, by: provider.name)
        sessions.forgive(email)
        return answer
    }

    /// Only who is a user here comes in, whatever the provider says.
    private func enter(known email: String, _ call: Call, by means: String) async throws -> Answer {
        guard let user = try await dependencies.operating.user(email: email) else {
            throw TokenVerifier.Refusal("it names nobody who is a user here")
        }
        await noteEntry(of: user.row.email, by: means)
        var answer = door("entered", ["title": "Signed in"])
        answer.headers.append(cookie(email: user.row.email, role: user.row.role, call, password: nil))
        return answer
    }

    private func refused(_ error: any Error, _ call: Call) async -> Answer {
        guard let refusal = error as? TokenVerifier.Refusal else { return await failed(error, call) }
        dependencies.logger.notice(
            "sign-in by a provider refused",
            metadata: ["request.id": "\(call.requestID)", "reason": "\(refusal.reason)"])
        do { return try await signInPage(.wrong) } catch { return await failed(error, call) }
    }

    // MARK: Sessions

    private func cookie(email: String?, role: UserRow.Role, _ call: Call, password: [UInt8]?) -> (
        name: String, value: String
    ) {
        let id = sessions.open(
            email: email, role: role, replacing: SessionCookie.id(in: call), password: password)
        return SessionCookie.set(id, isSecure: isSecure)
    }

    private func enter(
        email: String?, role: UserRow.Role, _ call: Call, by means: String, password: [UInt8]? = nil
    ) async -> Answer {
        await noteEntry(of: email, by: means)
        var answer = redirect(to: "/console")
        answer.headers.append(cookie(email: email, role: role, call, password: password))
        return answer
    }

    /// Whoever must see what is wrong with a journal that takes no writes has to come in all the same.
    private func noteEntry(of email: String?, by means: String) async {
        let actor = email.map { "user \($0)" } ?? "sign-in link"
        do {
            try await dependencies.operating.note(
                AuditRow(at: now, actor: actor, action: "console.sign_in", target: means))
        } catch {
            dependencies.logger.warning("sign-in not written to the audit", metadata: ["means": "\(means)"])
        }
    }

    private var isSecure: Bool { settings.http.publicURL?.lowercased().hasPrefix("https://") ?? false }

    private var ownURL: String { settings.http.publicURL ?? "http://\(settings.http.host):\(settings.http.port)" }
}

extension SignInProvider.Kind {
    /// Whether the password is asked here.
    var takesPassword: Bool {
        switch self {
        case .openID: false
        case .supabase: true
        }
    }
}
