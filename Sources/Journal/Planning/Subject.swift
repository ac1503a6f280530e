package import Model

/// Something that tells who an event is about.
package struct SubjectIdentifier: Sendable, Hashable, CustomStringConvertible {
    /// How sure it is that it belongs to this person.
    package enum Basis: String, Sendable, Hashable {
        /// From a signed event, a provider's own record or one that we made.
        case proven
        /// An address that someone typed.
        case claimed
    }

    package struct Kind: Sendable, Hashable {
        package let name: String
        package init(_ name: String) { self.name = name }

        package static let session = Kind("session")
        package static let user = Kind("user")
        package static let email = Kind("email")
        package static let phone = Kind("phone")
        package static let customer = Kind("customer")
        package static let payment = Kind("payment")
        package static let charge = Kind("charge")
        package static let checkout = Kind("checkout")
        package static let subscription = Kind("subscription")
        package static let invoice = Kind("invoice")
        package static let ticket = Kind("ticket")
        package static let booking = Kind("booking")
        package static let refund = Kind("refund")
        package static let dispute = Kind("dispute")
        /// The product's own reference on a checkout: a session's or a user's id.
        package static let reference = Kind("reference")

        /// Kinds of which one person has one: a claimed link never joins two subjects that differ in one of these.
        package var isExclusive: Bool { self == .user || self == .customer }
    }

    package var kind: Kind
    package var value: String
    package var basis: Basis

    package init(_ kind: Kind, _ value: String, _ basis: Basis) {
        self.kind = kind
        self.value = value
        self.basis = basis
    }

    package var description: String { "\(kind.name):\(value)" }
}

/// What linking needs to know of a subject: all of it after joins, at its root.
package struct SubjectSketch: Sendable, Hashable {
    package var root: SubjectID
    /// The subject at which the looked-up identifier itself hangs (the root or one joined to it).
    package var holder: SubjectID
    package var identifier: SubjectIdentifier
    /// Proven ids of exclusive kinds of the whole.
    package var exclusive: Set<SubjectIdentifier>
    package var identifierCount: Int
    /// True where `holder` has no proven identifier at all: nothing but an address is known.
    package var isAddressOnly: Bool
    /// The part of `exclusive` that proven joins tie to `holder`; what is left hangs on an address that someone typed.
    ///
    /// Nil where the journal does not tell: all of it where the holder is the root, else nothing.
    package var exclusiveByProof: Set<SubjectIdentifier>?

    package init(
        root: SubjectID, holder: SubjectID, identifier: SubjectIdentifier, exclusive: Set<SubjectIdentifier>,
        identifierCount: Int, isAddressOnly: Bool, exclusiveByProof: Set<SubjectIdentifier>? = nil
    ) {
        self.root = root
        self.holder = holder
        self.identifier = identifier
        self.exclusive = exclusive
        self.identifierCount = identifierCount
        self.isAddressOnly = isAddressOnly
        self.exclusiveByProof = exclusiveByProof
    }
}

/// An edge that makes two subjects one; kept with its reason, so that it could be taken back.
package struct SubjectJoin: Sendable, Hashable {
    package var child: SubjectID
    package var root: SubjectID
    package var basis: SubjectIdentifier.Basis
    package var through: SubjectIdentifier
    /// The two subjects (below `child` and below `root`) of whom the event spoke: a proven join makes their proven
    /// parts one, and nothing that hangs beside them by an address alone.
    package var childHolder: SubjectID
    package var rootHolder: SubjectID

    package init(
        child: SubjectID, root: SubjectID, basis: SubjectIdentifier.Basis, through: SubjectIdentifier,
        childHolder: SubjectID? = nil, rootHolder: SubjectID? = nil
    ) {
        self.child = child
        self.root = root
        self.basis = basis
        self.through = through
        self.childHolder = childHolder ?? child
        self.rootHolder = rootHolder ?? root
    }
}
