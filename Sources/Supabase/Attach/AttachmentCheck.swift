package import Model
internal import Settings

extension TableAttachment {
    /// Everything that would send its events into quarantine, as sentences; empty where it is sound.
    ///
    /// What only the database knows (whether the columns exist, whether the key is one) its migration asks itself.
    package func problems(in catalogue: EventCatalogue) -> [String] {
        guard let shape = catalogue[type] else {
            let hint = Suggestion.hint(for: type.name, among: catalogue.typeNames)
            return [
                "No event type is called \(type)\(hint.isEmpty ? "." : hint)"
                    + " Types stand in docs/sources.md; declare your own under types: in throughline.yaml."
            ]
        }
        var problems = columns.filter { !SQLText.isName($0) }.map {
            "\"\($0.prefix(70))\" is no name of a column: 1 to \(SQLText.nameLengthMax) bytes, without control characters."
        }
        if !changes.insert, changes.update == nil, !changes.delete {
            problems.append("Nothing of the table would be told: --on takes insert, update, update:COLUMNS and delete.")
        }
        if key.isEmpty { problems.append("--key needs at least one column.") }
        problems += fieldProblems(shape)
        if session == nil, user == nil, !given.contains(where: shape.isIdentifier) {
            problems.append(
                "Nothing would say whom \(type) is about: give --session, --user, or map an identifier such as email.")
        }
        return problems
    }

    /// Field names that the type does not know but that are close to one it knows: probably a slip.
    package func doubts(in catalogue: EventCatalogue) -> [String] {
        guard let shape = catalogue[type] else { return [] }
        let known = shape.fields.map(\.name)
        return given.filter { !known.contains($0) }.compactMap { name in
            let hint = Suggestion.hint(for: name, among: known)
            return hint.isEmpty ? nil : "\(type) has no field \(name)\(hint) It is kept as it is."
        }
    }

    private var given: [String] { fields.map(\.name) + fixed.map(\.name) }

    private func fieldProblems(_ shape: EventShape) -> [String] {
        var problems: [String] = []
        var seen: Set<String> = []
        for name in given where !seen.insert(name).inserted { problems.append("The field \(name) is given twice.") }
        for name in shape.required.sorted() where !given.contains(name) {
            problems.append("\(type) needs \(name): map a column with --map \(name)=COLUMN, or fix it with --set.")
        }
        for group in shape.requiredAnyOf where !group.contains(where: given.contains) {
            problems.append("\(type) needs one of: \(group.joined(separator: ", ")).")
        }
        if given.count > Limits.dataFieldsMax {
            problems.append("An event has at most \(Limits.dataFieldsMax) fields.")
        }
        let data = JSONObject(members: fixed.map { .init(key: $0.name, value: $0.value) })
        do throws(ShapeError) {
            // Only what is fixed: the rest comes with the rows.
            _ = try EventShape(shape.type, fields: shape.fields).checked(data)
        } catch {
            problems.append("--set: \(error.description).")
        }
        return problems
    }
}
