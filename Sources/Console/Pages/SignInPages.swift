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
                do { return try await signInPage(problem: nil) } catch { return await failed(error, call) }
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
                return enter(email: nil, role: .admin, call)
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

    // The same words whatever was wrong: whether an address is known is nobody's business.
    private static let problem =
        "That did not work. Check the address and the password; after several tries wait a minute."

    private func signInPage(problem: String?) async throws -> Answer {
        let isEmpty = try await dependencies.operating.users().isEmpty
        let providers = settings.console.signIn
        return door(
            "signin",
            [
                "title": "Sign in", "problem": problem.map { .string($0) } ?? .null, "has_users": .bool(!isEmpty),
                "product": .string(settings.product),
                "providers": .array(
                    providers.filter { !$0.kind.takesPassword }.map { Self.values(of: $0) }),
                "password_providers": .array(
                    providers.filter(\.kind.takesPassword).map { Self.values(of: $0) }),
            ], status: problem == nil ? 200 : 401)
    }

    private static func values(of provider: SignInProvider) -> JSONValue {
        ["name": .string(provider.name), "path": .string(PercentCoding.encode(provider.name))]
    }

    private func signIn(_ call: Call) async throws -> Answer {
        let (email, password) = try credentials(call)
        guard let password, sessions.admitsSignIn(email) else { return try await signInPage(problem: Self.problem) }
        let user = try await dependencies.operating.user(email: email)
        let fits = try await passwords.check(password, against: user?.passwordHash)
        guard fits, let user else {
            dependencies.logger.notice("sign-in refused", metadata: ["request.id": "\(call.requestID)"])
            return try await signInPage(problem: Self.problem)
        }
        sessions.forgive(email)
        return enter(
            email: user.row.email, role: user.row.role, call, password: KeyText.hash(user.passwordHash))
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
        let email = try await providers.finish(state: state, code: code, browser: SessionCookie.journey(in: call))
        return try await enter(known: email, call)
    }

    private func ask(_ call: Call) async throws -> Answer {
        let provider = try provider(call)
        let (email, password) = try credentials(call)
        guard let password, !password.isEmpty, sessions.admitsSignIn(email) else {
            throw TokenVerifier.Refusal("too many tries, or nothing to try")
        }
        let known = try await providers.ask(provider, email: email, password: password)
        let answer = try await enter(known: known, call)
        sessions.forgive(email)
        return answer
    }

    /// Only who is a user here comes in, whatever the provider says.
    private func enter(known email: String, _ call: Call) async throws -> Answer {
        guard let user = try await dependencies.operating.user(email: email) else {
            throw TokenVerifier.Refusal("it names nobody who is a user here")
        }
        var answer = door("entered", ["title": "Signed in"])
        answer.headers.append(cookie(email: user.row.email, role: user.row.role, call, password: nil))
        return answer
    }

    private func refused(_ error: any Error, _ call: Call) async -> Answer {
        guard let refusal = error as? TokenVerifier.Refusal else { return await failed(error, call) }
        dependencies.logger.notice(
            "sign-in by a provider refused",
            metadata: ["request.id": "\(call.requestID)", "reason": "\(refusal.reason)"])
        do { return try await signInPage(problem: Self.problem) } catch { return await failed(error, call) }
    }

    // MARK: Sessions

    private func cookie(email: String?, role: UserRow.Role, _ call: Call, password: [UInt8]?) -> (
        name: String, value: String
    ) {
        let id = sessions.open(
            email: email, role: role, replacing: SessionCookie.id(in: call), password: password)
        return SessionCookie.set(id, isSecure: isSecure)
    }

    private func enter(email: String?, role: UserRow.Role, _ call: Call, password: [UInt8]? = nil) -> Answer {
        var answer = redirect(to: "/console")
        answer.headers.append(cookie(email: email, role: role, call, password: password))
        return answer
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
