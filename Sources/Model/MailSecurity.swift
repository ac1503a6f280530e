/// How a connection to a mail server is made a secure one.
package enum MailSecurity: String, Sendable, Hashable, CaseIterable {
    /// In the open first, then secured before anything is said (RFC 3207).
    case starttls
    /// Secure from its first byte (RFC 8314).
    case tls
    /// Not at all: for a server on this machine.
    case none
}
