package import Journal
package import Model

/// Whose story an event belongs to, and what that changes among the subjects.
package struct LinkPlan: Sendable, Hashable {
    /// A join or an identifier that was not taken, and why.
    package struct Refusal: Sendable, Hashable {
        package enum Reason: Sendable, Hashable {
            /// Both sides hold different proven ids of this kind.
            case conflict(SubjectIdentifier.Kind)
            /// Above `Limits.identifiersPerSubjectMax`.
            case tooLarge(SubjectID)
        }

        package var identifier: SubjectIdentifier
        package var reason: Reason
    }

    /// The subject to which the event and its new identifiers belong; joins may have put others above it.
    package var home: SubjectID
    package var isNew: Bool
    /// The root above `home` once all joins are made.
    package var root: SubjectID
    /// Identifiers that are not at `home` yet.
    package var additions: [SubjectIdentifier]
    /// In the order in which they are to be made.
    package var joins: [SubjectJoin]
    package var refusals: [Refusal]
}

/// Some subjects that stand, or will stand, under one root.
struct LinkSide {
    /// Every proven exclusive id below the root.
    var exclusive: Set<SubjectIdentifier>
    /// Those of them that the ids at hand prove; the others are tied to it by an address alone.
    var proven: Set<SubjectIdentifier>
    var identifierCount: Int

    init(of identifiers: [SubjectIdentifier]) {
        exclusive = Set(identifiers.filter { $0.kind.isExclusive && $0.basis == .proven })
        proven = exclusive
        identifierCount = 0
    }

    init(of sketch: SubjectSketch) {
        exclusive = sketch.exclusive
        proven = sketch.exclusiveByProof ?? (sketch.holder == sketch.root ? sketch.exclusive : [])
        identifierCount = sketch.identifierCount
    }

    /// What keeps a join of this basis from being made; nil: nothing.
    ///
    /// Ids that exclude each other may meet by proof (one person has two customers at a provider). They may not meet
    /// over an address that someone typed, also not where the proof comes after the address: whoever types a
    /// stranger's address and signs in a moment later would else become that stranger.
    func conflict(with other: LinkSide, basis: SubjectIdentifier.Basis) -> SubjectIdentifier.Kind? {
        for mine in exclusive.sorted(by: { $0.description < $1.description }) {
            for theirs in other.exclusive where theirs.kind == mine.kind && theirs.value != mine.value {
                if basis == .proven, proven.contains(mine), other.proven.contains(theirs) { continue }
                return mine.kind
            }
        }
        return nil
    }

    mutating func take(_ other: LinkSide) {
        exclusive.formUnion(other.exclusive)
        proven.formUnion(other.proven)
        identifierCount += other.identifierCount
    }
}
