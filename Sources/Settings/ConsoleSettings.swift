/// Who may come into the console beside those with a password, and what it counts with.
package struct ConsoleSettings: Sendable, Equatable {
    package var signIn: [SignInProvider]
    /// How many minutes a person takes for an action by hand, by `destination.action`; an action that is not here counts
    /// with its own default.
    package var minutes: [String: Double]

    package init(signIn: [SignInProvider] = [], minutes: [String: Double] = [:]) {
        self.signIn = signIn
        self.minutes = minutes
    }
}

/// Somebody else who says who a person is.
///
/// It never makes a user: only an address that is one already comes in.
package struct SignInProvider: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// OpenID Connect: the person is sent there and comes back with a code.
        case openID(issuer: String, clientID: String, clientSecret: SecretReference?)
        /// Supabase Auth of that project: its own password, asked here.
        case supabase(url: String, key: SecretReference)
    }

    /// Signatures that are taken; all with a public key of theirs, none with a shared secret.
    package enum Algorithm: String, Sendable, Hashable, CaseIterable {
        case rs256 = "RS256"
        case rs384 = "RS384"
        case rs512 = "RS512"
        case es256 = "ES256"
        case es384 = "ES384"
        case edDSA = "EdDSA"
    }

    package var name: String
    package var kind: Kind
    package var algorithms: Set<Algorithm>
    /// Whom tokens must be meant for.
    package var audience: String

    package init(name: String, kind: Kind, algorithms: Set<Algorithm> = [.rs256, .es256], audience: String) {
        self.name = name
        self.kind = kind
        self.algorithms = algorithms
        self.audience = audience
    }

    /// Who signs the tokens.
    package var issuer: String {
        switch kind {
        case .openID(let issuer, _, _): issuer
        case .supabase(let url, _): url + "/auth/v1"
        }
    }
}
