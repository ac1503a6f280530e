/// A table with its schema, as Postgres has it: capitals count.
package struct TableName: Sendable, Hashable, CustomStringConvertible {
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    /// `leads`, `crm.leads` or `"odd.schema"."My ""Leads"""`; nil for anything else.
    ///
    /// Without a schema it is `public`'s.
    package init?(_ text: String) {
        guard let parts = NameList.read(text, separator: "."), let last = parts.last, parts.count <= 2 else {
            return nil
        }
        self.init(schema: parts.count == 2 ? parts[0] : "public", name: last)
    }

    /// `id` or `tenant,id`: names of columns, with a comma between; nil for anything else.
    package static func columns(_ text: String) -> [String]? { NameList.read(text, separator: ",") }

    package var description: String { "\(schema).\(name)" }

    var sql: String { SQLText.identifier(schema) + "." + SQLText.identifier(name) }
}

/// Names with something between them; a name in double quotes may hold that too.
enum NameList {
    /// Nil where a quote is not closed, or where a part is no name.
    static func read(_ text: String, separator: Character) -> [String]? {
        var parts: [String] = []
        var part = ""
        var isQuoted = false
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "\"" where isQuoted && rest.first == "\"":
                part.append("\"")
                rest.removeFirst()
            case "\"": isQuoted.toggle()
            case separator where !isQuoted:
                parts.append(part)
                part = ""
            default: part.append(character)
            }
        }
        parts.append(part)
        return isQuoted || !parts.allSatisfy(SQLText.isName) ? nil : parts
    }
}
