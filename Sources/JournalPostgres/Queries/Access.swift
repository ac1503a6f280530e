package import Journal
package import Model

/// Keys and people. Secrets are hashed before they come here.
extension PostgresJournal {
    package func insertKey(_ key: KeyRow, hash: [UInt8], by actor: String) async throws {
        try await writing { db in
            let isNew =
                try db.run(
                    """
                    INSERT INTO keys (shown, hash, scope, source, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6)
                    ON CONFLICT (shown) DO NOTHING
                    """, key.shown, hash, key.scope.rawValue, key.source, key.createdAt, key.revokedAt) > 0
            guard isNew else { throw Failure(.conflict, "There is a key \(key.shown) already. Make another one.") }
            try Auditing.note(
                AuditRow(
                    at: key.createdAt, actor: actor, action: "keys.create", target: "tl_\(key.shown)",
                    detail: key.scope.rawValue), db)
        }
    }

    package func key(shown: String) async throws -> (row: KeyRow, hash: [UInt8])? {
        try await reading { db in
            try db.first(
                """
                SELECT shown, scope, source, created_at, revoked_at, hash FROM keys
                WHERE shown = $1 AND revoked_at IS NULL
                """, shown
            ) { (row: try KeyRow(row: $0), hash: $0.blob(5)) }
        }
    }

    package func keys() async throws -> [KeyRow] {
        try await reading { db in
            try db.rows(
                """
                SELECT shown, scope, source, created_at, revoked_at FROM keys ORDER BY created_at, shown
                LIMIT \(Limits.pageMax)
                """, read: { try KeyRow(row: $0) })
        }
    }

    package func revokeKey(shown: String, by actor: String, now: Instant) async throws -> Bool {
        try await writing { db in
            guard try db.run("UPDATE keys SET revoked_at = $1 WHERE shown = $2 AND revoked_at IS NULL", now, shown) > 0
            else { return false }
            try Auditing.note(AuditRow(at: now, actor: actor, action: "keys.revoke", target: "tl_\(shown)"), db)
            return true
        }
    }

    package func putUser(_ user: UserRow, passwordHash: String, by actor: String) async throws {
        try await writing { db in
            try db.run(
                """
                INSERT INTO users (email, role, password_hash, created_at) VALUES ($1, $2, $3, $4)
                ON CONFLICT (email) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash
                """, user.email, user.role.rawValue, passwordHash, user.createdAt)
            try Auditing.note(
                AuditRow(
                    at: user.createdAt, actor: actor, action: "users.put", target: user.email,
                    detail: user.role.rawValue), db)
        }
    }

    package func user(email: String) async throws -> (row: UserRow, passwordHash: String)? {
        try await reading { db in
            try db.first("SELECT email, role, created_at, password_hash FROM users WHERE email = $1", email) {
                (row: try UserRow(row: $0), passwordHash: $0.text(3))
            }
        }
    }

    package func users() async throws -> [UserRow] {
        try await reading { db in
            try db.rows(
                "SELECT email, role, created_at FROM users ORDER BY email LIMIT \(Limits.pageMax)",
                read: { try UserRow(row: $0) })
        }
    }

    package func removeUser(email: String, by actor: String, now: Instant) async throws -> Bool {
        try await writing { db in
            guard try db.run("DELETE FROM users WHERE email = $1", email) > 0 else { return false }
            try Auditing.note(AuditRow(at: now, actor: actor, action: "users.remove", target: email), db)
            return true
        }
    }

}
