internal import Model

/// How a run's samples and a difference's records stand in one column.
package enum ReconciliationText {
    package static func text(_ samples: [Reconciliation.Sample]) -> String {
        JSONValue.array(
            samples.map {
                ["name": .string($0.name), "judged": .int(Int64($0.judged)), "matched": .int(Int64($0.matched))]
            }
        ).encodedText
    }

    package static func samples(_ text: String) -> [Reconciliation.Sample] {
        list(text).compactMap { value in
            guard let name = value["name"]?.string, let judged = value["judged"]?.int,
                let matched = value["matched"]?.int
            else { return nil }
            return Reconciliation.Sample(name: name, judged: Int(clamping: judged), matched: Int(clamping: matched))
        }
    }

    package static func text(_ words: [String]) -> String { JSONValue.array(words.map { .string($0) }).encodedText }
    package static func words(_ text: String) -> [String] { list(text).compactMap(\.string) }

    private static func list(_ text: String) -> [JSONValue] {
        // We wrote it: what cannot be read was damaged, and a list without figures says so by itself.
        (try? JSONValue(parsing: Array(text.utf8)))?.array ?? []
    }
}
