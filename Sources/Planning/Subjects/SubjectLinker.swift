package import Journal
package import Model

/// Decides whom an event belongs to.
///
/// Pure.
///
/// Proven identifiers join subjects. Claimed ones join them too, for the trail, but never two that hold different
/// proven ids of one kind; then the identifier hangs on both. The oldest subject stays the root.
package struct SubjectLinker {
    private let identifiers: EventIdentifiers
    private let sketches: [SubjectSketch]
    private var side: LinkSide
    /// Those whom the event's proven ids name, the first of them the event's home.
    private var accepted: [SubjectSketch] = []
    private var joins: [SubjectJoin] = []
    private var refusals: [LinkPlan.Refusal] = []

    /// `sketches` answer for all `identifiers.lookups`, oldest root first; `fresh` is used where nobody fits.
    package static func plan(
        _ identifiers: EventIdentifiers, among sketches: [SubjectSketch], fresh: SubjectID
    ) -> LinkPlan {
        var linker = SubjectLinker(identifiers, sketches)
        linker.acceptProven()
        if linker.accepted.isEmpty { linker.acceptAddressOnly() }
        let home = linker.accepted.first
        var root = linker.joinProven(fresh: fresh)
        let additions = linker.additions(at: home?.holder ?? fresh)
        linker.joinClaimed(to: &root, home: home?.holder ?? fresh)
        let added = Set(additions.map(\.value))
        return LinkPlan(
            home: home?.holder ?? fresh, isNew: home == nil, root: root, additions: additions, joins: linker.joins,
            refusals: linker.refusals.filter { $0.isAboutSize || added.contains($0.identifier.value) })
    }

    private init(_ identifiers: EventIdentifiers, _ sketches: [SubjectSketch]) {
        self.identifiers = identifiers
        self.sketches = sketches
        side = LinkSide(of: identifiers.own)
    }

    /// Those who hold a proven id of the event.
    ///
    /// Exclusive ids speak first: where two users shared a session, an event goes with its user. Then the newest:
    /// without a user, with the one who came last.
    private mutating func acceptProven() {
        let candidates = sketches.filter { sketch in
            sketch.identifier.basis == .proven
                && identifiers.own.contains { $0.basis == .proven && $0.isSame(as: sketch.identifier) }
        }
        let ordered =
            candidates.filter(\.identifier.kind.isExclusive)
            + candidates.filter { !$0.identifier.kind.isExclusive }.reversed()
        for sketch in ordered { accept(sketch) }
        // The oldest root's holder first: it stays the root, and its holder the event's home.
        let order = accepted.enumerated().sorted {
            (age($0.element.root), $0.offset) < (age($1.element.root), $1.offset)
        }
        accepted = order.map(\.element)
    }

    private mutating func accept(_ sketch: SubjectSketch) {
        let other = LinkSide(of: sketch)
        if accepted.contains(where: { $0.root == sketch.root }) {
            side.proven.formUnion(other.proven)
            accepted.append(sketch)
        } else if let kind = side.conflict(with: other, basis: .proven) {
            refusals.append(.init(identifier: sketch.identifier, reason: .conflict(kind)))
        } else if !accepted.isEmpty, isTooMany(other) {
            refusals.append(.init(identifier: sketch.identifier, reason: .tooLarge(sketch.root)))
        } else {
            side.take(other)
            accepted.append(sketch)
        }
    }

    /// An event with nothing but addresses goes where only that address is known, so that such events stay together
    /// without saying anything about who is proven to have it.
    private mutating func acceptAddressOnly() {
        guard !identifiers.own.contains(where: { $0.basis == .proven }) else { return }
        let holder = sketches.first { sketch in
            sketch.isAddressOnly && identifiers.own.contains { $0.isSame(as: sketch.identifier) }
        }
        if let holder { accept(holder) }
    }

    private mutating func joinProven(fresh: SubjectID) -> SubjectID {
        guard let home = accepted.first else { return fresh }
        var joined: Set<SubjectID> = [home.root]
        for sketch in accepted where joined.insert(sketch.root).inserted {
            joins.append(
                SubjectJoin(
                    child: sketch.root, root: home.root, basis: .proven, through: sketch.identifier,
                    childHolder: sketch.holder, rootHolder: home.holder))
        }
        return home.root
    }

    /// What hangs nowhere yet where it should, as far as there is room.
    private mutating func additions(at home: SubjectID) -> [SubjectIdentifier] {
        let holders = Set(accepted.map(\.holder)).union([home])
        let missing = identifiers.own.filter { identifier in
            !sketches.contains {
                $0.identifier.isSame(as: identifier) && holders.contains($0.holder)
                    && ($0.identifier.basis == .proven || identifier.basis == .claimed)
            }
        }
        let room = max(0, Limits.identifiersPerSubjectMax - side.identifierCount)
        for identifier in missing.dropFirst(room) {
            refusals.append(.init(identifier: identifier, reason: .tooLarge(accepted.first?.root ?? home)))
        }
        let taken = missing.prefix(room)
        side.identifierCount += taken.count
        return Array(taken)
    }

    /// Tries what only an address or a reference ties together, oldest first.
    private mutating func joinClaimed(to root: inout SubjectID, home: SubjectID) {
        var tried = Set(accepted.map(\.root)).union([root])
        var crowded: Set<SubjectIdentifier> = []
        for sketch in sketches where isClaimed(sketch) && !tried.contains(sketch.root) {
            // What one crowd shares would gather the next crowd beside it.
            if crowded.contains(sketch.identifier) { continue }
            let other = LinkSide(of: sketch)
            if let kind = side.conflict(with: other, basis: .claimed) {
                refusals.append(.init(identifier: sketch.identifier, reason: .conflict(kind)))
            } else if isTooMany(other) {
                crowded.insert(sketch.identifier)
                refusals.append(.init(identifier: sketch.identifier, reason: .tooLarge(sketch.root)))
            } else {
                let isOlder = age(sketch.root) < age(root)
                joins.append(
                    SubjectJoin(
                        child: isOlder ? root : sketch.root, root: isOlder ? sketch.root : root, basis: .claimed,
                        through: sketch.identifier, childHolder: isOlder ? home : sketch.holder,
                        rootHolder: isOlder ? sketch.holder : home))
                if isOlder { root = sketch.root }
                side.take(other)
            }
            tried.insert(sketch.root)
        }
    }

    private func isClaimed(_ sketch: SubjectSketch) -> Bool {
        identifiers.lookups.contains {
            $0.isSame(as: sketch.identifier) && ($0.basis == .claimed || sketch.identifier.basis == .claimed)
        }
    }

    private func isTooMany(_ other: LinkSide) -> Bool {
        side.identifierCount + other.identifierCount > Limits.identifiersPerSubjectMax
    }

    /// A subject that is to be made is the youngest.
    private func age(_ root: SubjectID) -> Int { sketches.firstIndex { $0.root == root } ?? sketches.count }
}

extension SubjectIdentifier {
    func isSame(as other: SubjectIdentifier) -> Bool { kind == other.kind && value == other.value }
}

extension LinkPlan.Refusal {
    var isAboutSize: Bool { if case .tooLarge = reason { true } else { false } }
}
