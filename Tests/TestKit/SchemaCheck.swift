package import Model

/// Checks JSON against an OpenAPI 3.0 description: what a provider publishes about its own API.
///
/// It knows what such descriptions use of JSON Schema: `$ref`, `type`, `nullable`, `properties`, `required`, `items`,
/// `enum`, `allOf`, `oneOf`, `anyOf`, `additionalProperties`, `format: date-time` and the length and number bounds.
/// A schema that it cannot find is a problem, never a pass.
package struct SchemaCheck: Sendable {
    /// The whole description, read as JSON (a YAML one is converted first).
    private let description: JSONValue

    package init(description: JSONValue) { self.description = description }

    /// What is wrong with the body of an answer; empty: nothing.
    ///
    /// `path` is a request's path (`/crm/v3/objects/contacts/51`), without its query. A status that the description
    /// does not list falls back to its range (`4XX`), then to `default`.
    package func problems(ofAnswer body: JSONValue, status: Int, to method: String, _ path: String) -> [String] {
        guard let operation = operation(method, path) else { return ["no operation \(method) \(path)"] }
        guard let responses = operation["responses"],
            let response = responses[String(status)] ?? responses["\(status / 100)XX"] ?? responses["default"]
        else { return ["\(method) \(path) does not answer \(status)"] }
        return problems(of: body, inContentOf: response, named: "answer \(status) of \(method) \(path)")
    }

    /// What is wrong with the body of a request; empty: nothing.
    package func problems(ofRequest body: JSONValue, to method: String, _ path: String) -> [String] {
        guard let operation = operation(method, path) else { return ["no operation \(method) \(path)"] }
        guard let request = operation["requestBody"] else { return ["\(method) \(path) takes no body"] }
        return problems(of: body, inContentOf: request, named: "request of \(method) \(path)")
    }

    /// What is wrong with `value` as one of the description's `components/schemas`.
    package func problems(of value: JSONValue, as schema: String) -> [String] {
        problems(of: value, schema: ["$ref": .string("#/components/schemas/\(schema)")], at: schema)
    }

    private func problems(of body: JSONValue, inContentOf holder: JSONValue, named name: String) -> [String] {
        let content = resolved(holder)?["content"]?.object?.members ?? []
        guard let media = content.first(where: { $0.key.hasPrefix("application/json") || $0.key == "*/*" }),
            let schema = media.value["schema"]
        else { return ["no JSON schema for \(name)"] }
        return problems(of: body, schema: schema, at: "")
    }

    // MARK: Finding

    /// The operation whose path template fits; one with fewer parameters wins (`/batch/read` before `/{id}`).
    private func operation(_ method: String, _ path: String) -> JSONValue? {
        let segments = path.split(separator: "/")
        let fitting = (description["paths"]?.object?.members ?? []).compactMap { member -> (Int, JSONValue)? in
            let template = member.key.split(separator: "/")
            guard template.count == segments.count, let operation = member.value[method.lowercased()] else {
                return nil
            }
            var parameters = 0
            for (part, segment) in zip(template, segments) {
                if part.hasPrefix("{") { parameters += 1 } else if part != segment { return nil }
            }
            return (parameters, operation)
        }
        return fitting.min { $0.0 < $1.0 }?.1
    }

    private func resolved(_ value: JSONValue) -> JSONValue? {
        var value = value
        // References to references exist; a circle of them does not, and would end here.
        for _ in 0..<16 {
            guard let reference = value["$ref"]?.string else { return value }
            guard reference.hasPrefix("#/") else { return nil }
            var target = description
            for part in reference.dropFirst(2).split(separator: "/") {
                guard let next = target[String(part).replacing("~1", with: "/").replacing("~0", with: "~")] else {
                    return nil
                }
                target = next
            }
            value = target
        }
        return nil
    }

    // MARK: Checking

    private func problems(of value: JSONValue, schema unresolved: JSONValue, at place: String) -> [String] {
        guard let schema = resolved(unresolved) else {
            return ["\(place): no schema \(unresolved["$ref"]?.string ?? "")"]
        }
        if value.isNull, schema["nullable"]?.bool == true { return [] }
        var found: [String] = []
        for part in schema["allOf"]?.array ?? [] { found += problems(of: value, schema: part, at: place) }
        for word in ["oneOf", "anyOf"] {
            guard let choices = schema[word]?.array else { continue }
            let tried = choices.map { problems(of: value, schema: $0, at: place) }
            // The choice that fits best says most.
            if let best = tried.min(by: { $0.count < $1.count }) { found += best }
        }
        if let allowed = schema["enum"]?.array, !allowed.contains(value) {
            found.append("\(place): \(value.encodedText) is none of \(JSONValue.array(allowed).encodedText)")
        }
        return found + typeProblems(of: value, schema: schema, at: place)
    }

    private func typeProblems(of value: JSONValue, schema: JSONValue, at place: String) -> [String] {
        let type = schema["type"]?.string ?? (schema["properties"] == nil ? nil : "object")
        switch (type, value) {
        case (nil, _), ("boolean", .bool): return []
        case ("object", .object(let object)): return objectProblems(of: object, schema: schema, at: place)
        case ("array", .array(let elements)):
            guard let items = schema["items"] else { return [] }
            return elements.enumerated().flatMap { problems(of: $1, schema: items, at: "\(place)[\($0)]") }
        case ("string", .string(let text)): return textProblems(of: text, schema: schema, at: place)
        case ("integer", _) where value.int != nil, ("number", _) where value.double != nil:
            let number = value.double ?? 0
            if let least = schema["minimum"]?.double, number < least { return ["\(place): below \(least)"] }
            if let most = schema["maximum"]?.double, number > most { return ["\(place): above \(most)"] }
            return []
        case (let type?, _): return ["\(place): \(value.encodedText.prefix(60)) is no \(type)"]
        }
    }

    private func objectProblems(of object: JSONObject, schema: JSONValue, at place: String) -> [String] {
        var found = (schema["required"]?.array ?? []).compactMap(\.string)
            .filter { object[$0] == nil }
            .map { "\(place).\($0): missing" }
        for member in object.members {
            let inside = "\(place).\(member.key)"
            if let property = schema["properties"]?[member.key] {
                found += problems(of: member.value, schema: property, at: inside)
            } else if let rest = schema["additionalProperties"] {
                if rest.bool == false { found.append("\(inside): not in the description") }
                if rest.object != nil { found += problems(of: member.value, schema: rest, at: inside) }
            }
        }
        return found
    }

    private func textProblems(of text: String, schema: JSONValue, at place: String) -> [String] {
        if schema["format"]?.string == "date-time", Instant(rfc3339: text) == nil {
            return ["\(place): \(text) is no date and time"]
        }
        if let least = schema["minLength"]?.int, text.count < least { return ["\(place): shorter than \(least)"] }
        if let most = schema["maxLength"]?.int, text.count > most { return ["\(place): longer than \(most)"] }
        return []
    }
}
