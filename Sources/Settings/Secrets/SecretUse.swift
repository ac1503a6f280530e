/// One place of the settings that names a secret.
package struct SecretUse: Sendable, Hashable {
    package var reference: SecretReference
    /// The key's path (`sources.stripe.secrets[0]`), for messages.
    package var key: String
    /// The line of the file; zero where there is none.
    package var line: Int

    package init(reference: SecretReference, key: String, line: Int) {
        self.reference = reference
        self.key = key
        self.line = line
    }
}
