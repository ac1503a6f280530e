internal import API
internal import Journal
internal import Model

/// The form above a list, which says what it shows.
struct Filters {
    struct Field {
        var name: String
        var label: String
        /// Value and text; nil: written freely.
        var choices: [(value: String, text: String)]?

        static func select(_ name: String, _ label: String, _ values: some Sequence<String>, any: String = "any")
            -> Field
        {
            Field(
                name: name, label: label,
                choices: [("", any)] + values.map { ($0, Shown.words($0)) })
        }

        static let since = Field(
            name: "since", label: "Since",
            choices: [
                ("", "any time"), ("15m", "15 minutes ago"), ("1h", "an hour ago"), ("24h", "a day ago"),
                ("7d", "7 days ago"), ("30d", "30 days ago"),
            ])
        static let until = Field(
            name: "until", label: "Until",
            choices: [("", "now"), ("1h", "an hour ago"), ("24h", "a day ago"), ("7d", "7 days ago")])

        static func text(_ name: String, _ label: String) -> Field { Field(name: name, label: label) }
    }

    var path: String
    var fields: [Field]

    /// For the partial `filters`, with what is chosen now; a value that is no choice is added to them.
    func values(_ query: Query) -> JSONValue {
        [
            "path": .string(path), "is_any": .bool(fields.contains { query[$0.name] != nil }),
            "fields": .array(
                fields.map { field in
                    let chosen = query[field.name] ?? ""
                    guard var choices = field.choices else {
                        return [
                            "name": .string(field.name), "label": .string(field.label), "is_text": true,
                            "value": .string(chosen),
                        ]
                    }
                    if !choices.contains(where: { $0.value == chosen }) { choices.append((chosen, chosen)) }
                    return [
                        "name": .string(field.name), "label": .string(field.label),
                        "choices": .array(
                            choices.map {
                                [
                                    "value": .string($0.value), "text": .string($0.text),
                                    "is_chosen": .bool($0.value == chosen),
                                ]
                            }),
                    ]
                }),
        ]
    }

    /// What is chosen, as the query of a link, without a place in the list.
    static func kept(_ query: Query) -> String {
        query.pairs.filter { $0.name != "cursor" && $0.name != "csrf" && !$0.value.isEmpty }
            .map { "\(PercentCoding.encode($0.name))=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
    }

    /// What is chosen, as hidden fields of a form.
    static func hidden(_ query: Query) -> JSONValue {
        .array(
            query.pairs.filter { $0.name != "cursor" && $0.name != "csrf" && !$0.value.isEmpty }.map {
                ["name": .string($0.name), "value": .string($0.value)]
            })
    }

    /// The same for a form that orders what was shown and nothing that came since: its times as they are now.
    static func bound(_ query: Query, since: Instant?, until: Instant, _ more: (String, String)...) -> JSONValue {
        let times = [("until", until.description)] + (since.map { [("since", $0.description)] } ?? [])
        let own = Set((times + more).map(\.0)).union(["since"])
        let rest = hidden(query).array?.filter { !own.contains($0["name"]?.string ?? "") } ?? []
        return .array(rest + (times + more).map { ["name": .string($0.0), "value": .string($0.1)] })
    }

    /// The link to older ones; null where there are none.
    static func older(_ path: String, _ query: Query, next: String?) -> JSONValue {
        guard let next else { return .null }
        let kept = kept(query)
        return .string("\(path)?\(kept.isEmpty ? "" : kept + "&")cursor=\(PercentCoding.encode(next))")
    }
}
