package import ConnectorKit
package import Model
package import Settings

/// Whether a claimed job may be called out now, and how, given what its earlier attempts may have done.
package enum Start: Sendable, Hashable {
    case go(Approach)
    /// The lost call may still be alive, or its effect not visible yet.
    case wait(until: Instant)
    /// Only a person can decide whether it is done again.
    case hold

    /// Over the clocks of two machines and the last byte of a call that was given up.
    package static let margin: Duration = .seconds(2)

    /// What is known when a job is about to be called out.
    package struct Circumstances: Sendable, Hashable {
        package var effectClass: EffectClass
        /// Whether it writes a state that a later call writes over.
        package var isStateSetting: Bool
        /// When the attempt of unknown end began; nil: every earlier attempt ended clearly.
        package var unknownSince: Instant?
        /// When the stored request was rendered: its key is not older at the destination than that.
        package var renderedAt: Instant?
        package var onUnknown: Flow.OnUnknown
        /// The longest that a call to this destination can live.
        package var timeout: Duration

        package init(
            effectClass: EffectClass, isStateSetting: Bool, unknownSince: Instant?, renderedAt: Instant?,
            onUnknown: Flow.OnUnknown, timeout: Duration
        ) {
            self.effectClass = effectClass
            self.isStateSetting = isStateSetting
            self.unknownSince = unknownSince
            self.renderedAt = renderedAt
            self.onUnknown = onUnknown
            self.timeout = timeout
        }
    }

    package init(_ known: Circumstances, now: Instant) {
        guard let unknownSince = known.unknownSince else {
            self = .go(.first)
            return
        }
        switch known.effectClass {
        // A lost call that arrived after a newer one would put the older state back.
        case .upsert where known.isStateSetting:
            self = Self.once(.first, after: unknownSince + known.timeout, now: now)
        case .upsert: self = .go(.first)
        case .keyed(let lifetime, _) where Self.isAlive(known, lifetime: lifetime, now: now):
            self = .go(.repeatWithKey)
        case .keyed(_, isFindableAfter: true):
            self = Self.once(.lookFirst, after: unknownSince + known.timeout, now: now)
        case .findable(let lag):
            self = Self.once(.lookFirst, after: unknownSince + known.timeout + lag, now: now)
        case .keyed(_, isFindableAfter: false), .unsafe:
            self =
                known.onUnknown == .hold ? .hold : Self.once(.first, after: unknownSince + known.timeout, now: now)
        }
    }

    /// Whether the destination still remembers the key: its lifetime less a tenth and the time that a call may take.
    private static func isAlive(_ known: Circumstances, lifetime: Duration, now: Instant) -> Bool {
        guard let renderedAt = known.renderedAt else { return false }
        return now < renderedAt + lifetime - lifetime / 10 - known.timeout
    }

    private static func once(_ approach: Approach, after: Instant, now: Instant) -> Start {
        let earliest = after + margin
        return now >= earliest ? .go(approach) : .wait(until: earliest)
    }
}
