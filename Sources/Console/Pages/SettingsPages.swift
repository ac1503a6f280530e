internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Console {
    var settingsRoutes: [Route] {
        [
            page("GET", "/console/settings") { visit in
                // Not by another page of the session that happens to be fetched first.
                let isMade = visit.call.query["made"] != nil && visit.session.role.includes(.admin)
                return try await settingsPage(visit, newKey: isMade ? sessions.takeSecret(of: visit.sessionID) : nil)
            },
            page("POST", "/console/settings/users", .admin) { visit in try await putUser(visit) },
            page("POST", "/console/settings/users/remove", .admin) { visit in
                let email = visit.form["email"] ?? ""
                guard email != visit.session.email else {
                    throw Failure(.conflict, "You cannot remove yourself; another administrator can.")
                }
                guard try await dependencies.operating.removeUser(email: email, by: visit.actor, now: now) else {
                    throw Failure(.notFound, "There is no such user.")
                }
                return redirect(to: "/console/settings")
            },
            page("POST", "/console/settings/keys", .admin) { visit in try await makeKey(visit) },
            page("POST", "/console/settings/keys/revoke", .admin) { visit in
                let shown = visit.form["key"] ?? ""
                let isRevoked = try await dependencies.operating.revokeKey(shown: shown, by: visit.actor, now: now)
                dependencies.keys.forget()
                guard isRevoked else {
                    throw Failure(.notFound, "There is no such key, or it is revoked already.")
                }
                return redirect(to: "/console/settings")
            },
        ]
    }

    private func settingsPage(_ visit: Visit, newKey: String? = nil) async throws -> Answer {
        let isAdmin = visit.session.role.includes(.admin)
        let users = isAdmin ? try await dependencies.operating.users() : []
        let keys = isAdmin ? try await dependencies.operating.keys() : []
        let now = now
        return try await html(
            "settings", in: "settings",
            [
                "title": "Settings", "new_key": newKey.map { .string($0) } ?? .null,
                "users": .array(
                    users.map { user in
                        [
                            "email": .string(user.email), "role": .string(user.role.rawValue),
                            "at": Shown.stamp(user.createdAt, now: now),
                            "is_self": .bool(user.email == visit.session.email),
                        ]
                    }),
                "keys": .array(
                    keys.map { key in
                        [
                            "shown": .string(key.shown), "scope": .string(key.scope.rawValue),
                            "source": .string(key.source ?? ""), "at": Shown.stamp(key.createdAt, now: now),
                            "revoked": Shown.stamp(key.revokedAt, now: now), "is_live": .bool(key.revokedAt == nil),
                        ]
                    }),
                "secrets": .array(try await backstage.secrets().map { values(of: $0) }),
                "sources": .array(
                    settings.sources.filter { $0.kind == .events }.map {
                        ["name": .string($0.name), "kind": .string($0.kind.name)]
                    }),
                "scopes": .array(KeyRow.Scope.allCases.map { .string($0.rawValue) }),
                "roles": .array(UserRow.Role.allCases.map { .string($0.rawValue) }),
                "providers": .array(
                    settings.console.signIn.map { ["name": .string($0.name), "issuer": .string($0.issuer)] }),
                "raw": .string(Shown.count(Int(settings.retention.raw.components.seconds / 86_400), "day")),
                "events": .string(Shown.count(Int(settings.retention.events.components.seconds / 86_400), "day")),
            ], visit)
    }

    /// Adds a person, or gives another role or password; without a password, another provider has to say who it is.
    private func putUser(_ visit: Visit) async throws -> Answer {
        let email = (visit.form["email"] ?? "").trimmed.lowercased()
        guard email.utf8.count <= Limits.idLengthMax, email.contains("@"), !email.contains(where: \.isWhitespace) else {
            throw Failure(.invalid, "This is no address.", field: "email")
        }
        guard let role = visit.form["role"].flatMap({ UserRow.Role(rawValue: $0) }) else {
            throw Failure(.invalid, "The role is reader, operator or admin.", field: "role")
        }
        guard email != visit.session.email || role == .admin else {
            throw Failure(.conflict, "You cannot take your own role away; another administrator can.")
        }
        let known = try await dependencies.operating.user(email: email)
        var hash = known?.passwordHash ?? ""
        if let password = visit.form["password"] {
            if let problem = Routes.problem(withPassword: password) {
                throw Failure(.invalid, problem, field: "password")
            }
            hash = try await dependencies.hashPassword(password)
        }
        guard !hash.isEmpty || !settings.console.signIn.isEmpty else {
            throw Failure(.invalid, "Nobody else says who this is; give a password.", field: "password")
        }
        try await dependencies.operating.putUser(
            UserRow(email: email, role: role, createdAt: known?.row.createdAt ?? now), passwordHash: hash,
            by: visit.actor)
        return redirect(to: "/console/settings")
    }

    /// The key is shown this once.
    private func makeKey(_ visit: Visit) async throws -> Answer {
        guard let scope = visit.form["scope"].flatMap({ KeyRow.Scope(rawValue: $0) }) else {
            throw Failure(.invalid, "The scope is ingest, read, operate or admin.", field: "scope")
        }
        let source = visit.form["source"]
        if let source, scope == .ingest, settings.source(source)?.kind != .events {
            throw Failure(.invalid, "There is no source of kind events with this name.", field: "source")
        }
        let key = KeyText(chance: dependencies.chance)
        try await dependencies.operating.insertKey(
            KeyRow(shown: key.shown, scope: scope, source: scope == .ingest ? source : nil, createdAt: now),
            hash: key.hash, by: visit.actor)
        // Shown by the page that follows: whoever reloads that makes no other one.
        sessions.leave(secret: key.revealed, for: visit.sessionID)
        return redirect(to: "/console/settings?made=key")
    }
}
