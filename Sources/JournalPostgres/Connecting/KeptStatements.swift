internal import CPostgres

/// The statements that the server keeps for one connection, read and planned.
///
/// Only what comes a second time is kept, and not without end: lists with their many filters come once.
struct KeptStatements {
    /// A text with the types of its values; a value without one (null) may be of any.
    struct Key: Hashable {
        var sql: String
        var types: [Oid]
    }

    private static let keptMax = 500
    private static let seenMax = 1000

    private var names: [Key: String] = [:]
    private var seen: Set<Key> = []
    private var named = 0

    /// The name by which the server knows it, or is to know it from now on; nil where it is not kept.
    mutating func name(of key: Key) -> (name: String, isNew: Bool)? {
        if let name = names[key] { return (name, false) }
        if seen.count >= Self.seenMax { seen = [] }
        if seen.insert(key).inserted || names.count >= Self.keptMax { return nil }
        named += 1
        let name = "throughline_\(named)"
        names[key] = name
        return (name, true)
    }

    /// The server has not taken it.
    mutating func forget(_ key: Key) { names[key] = nil }
}
