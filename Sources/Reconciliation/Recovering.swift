package import Journal
package import Model

/// The intake as a reconciliation asks for it.
package protocol Recovering: Sendable {
    /// What would become of a payload of that source; nothing is kept.
    func assess(_ payload: [UInt8], of source: String) -> Assessment
    /// Takes in what never arrived, by the same rules as a delivery, marked as recovered.
    func recover(_ payload: [UInt8], of source: String) async -> Recovery
    /// Reads a kept delivery again, with today's configuration.
    func replay(_ kept: KeptDelivery) async -> Recovery
}

package enum Assessment: Sendable, Hashable {
    case event
    /// It is of no interest here.
    case ignored
    /// It should become an event and could not.
    case unusable
}

package enum Recovery: Sendable, Hashable {
    case accepted(EventID)
    /// It came in another way meanwhile.
    case duplicate(EventID)
    /// It is no event after all, and why.
    case kept(reason: String)
    /// It could not be taken now.
    case refused(reason: String)
}
