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
                do { return try await signInPage(problem: nil) } catch { return failed(error, call) }
            },
            Route("POST", "/console/sign-in", .open, media: .form, bodySizeMax: 4 << 10) { call in
                do { return try await signIn(call) } catch { return failed(error, call) }
            },
            Route("GET", "/console/enter", .open) { call in
                guard let token = call.query["token"], sessions.useLink(token) else {
                    return failed(
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

    private func signInPage(problem: String?) async throws -> Answer {
        let isEmpty = try await dependencies.operating.users().isEmpty
        return html(
            "signin",
            [
                "title": "Sign in", "problem": problem.map { .string($0) } ?? .null, "has_users": .bool(!isEmpty),
                "product": .string(dependencies.settings.current.product),
            ], nil, status: problem == nil ? 200 : 401)
    }

    private func signIn(_ call: Call) async throws -> Answer {
        try Self.checkOrigin(call)
        let form = Query(String(decoding: call.body, as: UTF8.self))
        let email = (form["email"] ?? "").lowercased()
        let password = form["password"] ?? ""
        // The same words whatever was wrong: whether an address is known is nobody's business.
        let problem = "That did not work. Check the address and the password; after several tries wait a minute."
        guard email.utf8.count <= Limits.idLengthMax, password.utf8.count <= Routes.passwordLengthMax,
            sessions.admitsSignIn(email)
        else { return try await signInPage(problem: problem) }
        let user = try await dependencies.operating.user(email: email)
        let fits = try await passwords.check(password, against: user?.passwordHash)
        guard fits, let user else {
            dependencies.logger.notice("sign-in refused", metadata: ["request.id": "\(call.requestID)"])
            return try await signInPage(problem: problem)
        }
        sessions.forgive(email)
        return enter(email: user.row.email, role: user.row.role, call)
    }

    private func enter(email: String?, role: UserRow.Role, _ call: Call) -> Answer {
        let id = sessions.open(email: email, role: role, replacing: SessionCookie.id(in: call))
        var answer = redirect(to: "/console")
        answer.headers.append(SessionCookie.set(id, isSecure: isSecure))
        return answer
    }

    private var isSecure: Bool {
        dependencies.settings.current.http.publicURL?.lowercased().hasPrefix("https://") ?? false
    }
}
