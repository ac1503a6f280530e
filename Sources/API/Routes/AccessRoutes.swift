internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Routes {
    /// Keys, users and the audit: for administrators.
    static func access(_ dependencies: Dependencies) -> [Route] {
        keys(dependencies) + users(dependencies) + [
            Route("GET", "/v1/audit", .scope(.admin)) { call in
                let inputs = try Inputs(call.query, known: Inputs.page, now: dependencies.time.now)
                let page = try await dependencies.operating.audit(page: inputs.page())
                return .list(page.items.map(\.json), next: page.next)
            },
            Route("POST", "/v1/backup", .scope(.admin), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["path"], now: dependencies.time.now)
                guard call.caller == .local else {
                    throw Failure(
                        .forbidden, "A backup is written to this machine: run throughline backup FILE on it.")
                }
                let path = try inputs.required("path")
                try await dependencies.operating.backup(to: path)
                try await note(call, "journal.backup", path, dependencies)
                return .json(["path": .string(path)])
            },
        ]
    }

    private static func keys(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/keys", .scope(.admin)) { call in
                _ = try Inputs(call.query, known: [], now: dependencies.time.now)
                return .list(try await dependencies.operating.keys().map(\.json))
            },
            Route("POST", "/v1/keys", .scope(.admin), media: .json) { call in
                let inputs = try Inputs(body: call.body, known: ["scope", "source"], now: dependencies.time.now)
                let scopes = try inputs.words("scope", of: KeyRow.Scope.self)
                guard scopes.count == 1, let scope = scopes.first else {
                    throw Failure(.invalid, "scope takes one of ingest, read, operate, admin.", field: "scope")
                }
                let source = try inputs.text("source")
                try check(source, scope, dependencies)
                let key = KeyText(chance: dependencies.chance)
                let row = KeyRow(shown: key.shown, scope: scope, source: source, createdAt: dependencies.time.now)
                try await dependencies.operating.insertKey(row, hash: key.hash, by: call.actor)
                var body = row.json
                // The one time that it is shown.
                body["key"] = .string(key.revealed)
                return .json(body, status: 201)
            },
            Route("DELETE", "/v1/keys/{key}", .scope(.admin)) { call in
                let text = call.parameter("key")
                let shown = text.hasPrefix("tl_") ? String(text.dropFirst(3).prefix(8)) : text
                let isRevoked = try await dependencies.operating.revokeKey(
                    shown: shown, by: call.actor, now: dependencies.time.now)
                dependencies.keys.forget()
                guard isRevoked else {
                    throw Failure(.notFound, "There is no live key that begins like this (throughline keys list).")
                }
                return .json(["key": .string("tl_\(shown)"), "revoked": true])
            },
        ]
    }

    private static func check(_ source: String?, _ scope: KeyRow.Scope, _ dependencies: Dependencies) throws(Failure) {
        guard let source else { return }
        guard scope == .ingest else {
            throw Failure(.invalid, "Only an ingest key is bound to a source.", field: "source")
        }
        guard dependencies.settings.current.source(source)?.kind == .events else {
            throw Failure(.invalid, "There is no source of kind events with this name.", field: "source")
        }
    }

    private static func users(_ dependencies: Dependencies) -> [Route] {
        [
            Route("GET", "/v1/users", .scope(.admin)) { call in
                _ = try Inputs(call.query, known: [], now: dependencies.time.now)
                return .list(try await dependencies.operating.users().map(\.json))
            },
            Route("POST", "/v1/users", .scope(.admin), media: .json) { call in
                let inputs = try Inputs(
                    body: call.body, known: ["email", "role", "password"], now: dependencies.time.now)
                let email = try inputs.required("email").lowercased()
                let roles = try inputs.words("role", of: UserRow.Role.self)
                guard roles.count == 1, let role = roles.first else {
                    throw Failure(.invalid, "role takes one of reader, operator, admin.", field: "role")
                }
                guard email.contains("@"), !email.contains(where: \.isWhitespace),
                    email.utf8.count <= Limits.idLengthMax
                else { throw Failure(.invalid, "email takes an address like you@example.com.", field: "email") }
                let password = try inputs.required("password")
                if let problem = problem(withPassword: password) {
                    throw Failure(.invalid, problem, field: "password")
                }
                let row = UserRow(email: email, role: role, createdAt: dependencies.time.now)
                try await dependencies.operating.putUser(
                    row, passwordHash: try await dependencies.hashPassword(password), by: call.actor)
                return .json(row.json, status: 201)
            },
            Route("DELETE", "/v1/users/{email}", .scope(.admin)) { call in
                let email = call.parameter("email").lowercased()
                guard
                    try await dependencies.operating.removeUser(
                        email: email, by: call.actor, now: dependencies.time.now)
                else { throw Failure(.notFound, "There is no user with this address.") }
                return .json(["email": .string(email), "removed": true])
            },
        ]
    }

    package static let passwordLengthMin = 12

    /// What is wrong with a new password; nil: nothing.
    package static func problem(withPassword password: String) -> String? {
        guard (passwordLengthMin...passwordLengthMax).contains(password.utf8.count) else {
            return "A password has \(passwordLengthMin) to \(passwordLengthMax) bytes."
        }
        // NULs at its end would count for nothing (HMAC fills up with them).
        return password.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            ? "A password holds no control characters." : nil
    }

    package static let passwordLengthMax = 256
}
