internal import API
package import Journal
internal import Model
package import Seams
internal import Synchronization

/// Who is signed in, in memory: a restart signs everybody out.
package final class Sessions: Sendable {
    /// A person in the console.
    package struct Session: Sendable, Hashable {
        /// Nil for somebody who came by a link of this server: they are whom the server trusts with its machine.
        package var email: String?
        package var role: UserRow.Role
        /// Every form sends it back.
        package var csrf: String
        /// Tells the password with which it was opened from any later one; nil: it was opened without one.
        var password: [UInt8]?
        var until: Duration
        /// What is shown once, on the next page that asks for it.
        var secret: Redacted<String>?
    }

    private struct State {
        var sessions: [[UInt8]: Session] = [:]
        var links: [[UInt8]: Duration] = [:]
        var limiter = SignInLimiter()
    }

    package static let lifetime: Duration = .seconds(12 * 3600)
    package static let linkLifetime: Duration = .seconds(15 * 60)
    package static let sessionsMax = 1000
    package static let linksMax = 100

    private let time: any TimeSource
    private let chance: any ChanceSource
    private let state = Mutex(State())

    package init(time: any TimeSource, chance: any ChanceSource) {
        self.time = time
        self.chance = chance
    }

    /// Opens a session under a new id and returns that; only its hash is kept.
    ///
    /// `replacing` ends the one before.
    package func open(email: String?, role: UserRow.Role, replacing old: String?, password: [UInt8]? = nil)
        -> String
    {
        let id = Crockford.encode(chance.bytes(32))
        let now = time.uptime
        let session = Session(
            email: email, role: role, csrf: Crockford.encode(chance.bytes(20)), password: password,
            until: now + Self.lifetime)
        state.withLock { state in
            if let old { state.sessions.removeValue(forKey: KeyText.hash(old)) }
            state.sessions = state.sessions.filter { $0.value.until > now }
            if state.sessions.count >= Self.sessionsMax,
                let oldest = state.sessions.min(by: { $0.value.until < $1.value.until })
            {
                state.sessions.removeValue(forKey: oldest.key)
            }
            state.sessions[KeyText.hash(id)] = session
        }
        return id
    }

    package func session(_ id: String) -> Session? {
        let now = time.uptime
        return state.withLock { state in
            guard let session = state.sessions[KeyText.hash(id)], session.until > now else { return nil }
            return session
        }
    }

    /// Keeps something for the next page of this session.
    func leave(secret: String, for id: String) {
        state.withLock { $0.sessions[KeyText.hash(id)]?.secret = Redacted(secret) }
    }

    func takeSecret(of id: String) -> String? {
        state.withLock { state in
            defer { state.sessions[KeyText.hash(id)]?.secret = nil }
            return state.sessions[KeyText.hash(id)]?.secret?.revealed
        }
    }

    package func close(_ id: String) {
        _ = state.withLock { $0.sessions.removeValue(forKey: KeyText.hash(id)) }
    }

    /// A token that signs one person in, once, within `linkLifetime`.
    package func makeLink() -> String {
        let token = Crockford.encode(chance.bytes(32))
        let now = time.uptime
        state.withLock { state in
            state.links = state.links.filter { $0.value > now }
            if state.links.count >= Self.linksMax, let oldest = state.links.min(by: { $0.value < $1.value }) {
                state.links.removeValue(forKey: oldest.key)
            }
            state.links[KeyText.hash(token)] = now + Self.linkLifetime
        }
        return token
    }

    /// True the first time that the token is shown in its life.
    package func useLink(_ token: String) -> Bool {
        let until = state.withLock { $0.links.removeValue(forKey: KeyText.hash(token)) }
        return until.map { $0 > time.uptime } ?? false
    }

    package func admitsSignIn(_ email: String) -> Bool {
        let now = time.uptime
        return state.withLock { $0.limiter.admits(email, now: now) }
    }

    package func forgive(_ email: String) { state.withLock { $0.limiter.forgive(email) } }
}
