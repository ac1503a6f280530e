import Foundation
import Model
import Seams
import TestKit
import Yams

/// A provider's own OpenAPI description, as far as requests go.
struct APIDescription {
    let root: JSONValue

    init?(_ path: String) throws {
        guard let url = ReferenceData.url(path) else { return nil }
        let bytes = try Data(contentsOf: url)
        if path.hasSuffix(".json") {
            root = try JSONValue(parsing: Array(bytes), depthMax: 256)
        } else {
            guard let node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) else { return nil }
            root = Self.value(of: node)
        }
    }

    init(root: JSONValue) { self.root = root }

    /// What is wrong with a request by this description; nil where its path is not described here.
    func problems(with request: OutboundRequest) -> [String]? {
        let path = Self.path(of: request.url)
        let segments = path.split(separator: "/")
        for member in root["paths"]?.object?.members ?? [] {
            let template = member.key.split(separator: "/")
            guard template.count == segments.count,
                zip(template, segments).allSatisfy({ $0 == $1 || $0.hasPrefix("{") })
            else { continue }
            guard let operation = member.value[request.method.lowercased()] else { continue }
            return problems(with: request.body, by: operation)
        }
        return nil
    }

    private func problems(with body: [UInt8], by operation: JSONValue) -> [String] {
        let content = operation["requestBody"].map(resolved)?["content"]?["application/json"]
        guard let schema = content?["schema"] else { return body.isEmpty ? [] : ["a body where none is taken"] }
        guard let value = try? JSONValue(parsing: body) else { return ["the body is no JSON"] }
        return problems(with: value, by: schema, at: "body")
    }

    /// A light reading of JSON Schema: references, combinations, types, required, properties, items, enumerations.
    func problems(with value: JSONValue, by schema: JSONValue, at place: String) -> [String] {
        let schema = resolved(schema)
        if value.isNull, schema["nullable"]?.bool == true { return [] }
        var problems = (schema["allOf"]?.array ?? []).flatMap { self.problems(with: value, by: $0, at: place) }
        for name in ["oneOf", "anyOf"] {
            let choices = schema[name]?.array ?? []
            if !choices.isEmpty, !choices.contains(where: { self.problems(with: value, by: $0, at: place).isEmpty }) {
                problems.append("\(place) is none of \(name)")
            }
        }
        if let type = schema["type"]?.string, !Self.fits(value, type) { problems.append("\(place) is no \(type)") }
        if let allowed = schema["enum"]?.array, !allowed.contains(value) {
            problems.append("\(place) is \(value.encodedText), which is not allowed")
        }
        if let object = value.object { problems += members(of: object, by: schema, at: place) }
        if let elements = value.array, let items = schema["items"] {
            for (index, element) in elements.enumerated() {
                problems += self.problems(with: element, by: items, at: "\(place)[\(index)]")
            }
        }
        return problems
    }

    private func members(of object: JSONObject, by schema: JSONValue, at place: String) -> [String] {
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        var problems = required.filter { object[$0] == nil }.map { "\(place).\($0) is missing" }
        for member in object.members {
            let place = "\(place).\(member.key)"
            if let known = schema["properties"]?[member.key] {
                problems += self.problems(with: member.value, by: known, at: place)
            } else if let other = schema["additionalProperties"] {
                if other.bool == false { problems.append("\(place) is unknown") }
                if other.object != nil { problems += self.problems(with: member.value, by: other, at: place) }
            }
        }
        return problems
    }

    private func resolved(_ schema: JSONValue) -> JSONValue {
        guard let reference = schema["$ref"]?.string, reference.hasPrefix("#/") else { return schema }
        let steps = reference.dropFirst(2).split(separator: "/").map { $0.replacing("~1", with: "/") }
        let target = steps.reduce(Optional(root)) { $0?[String($1)] }
        return target.map(resolved) ?? .object(["enum": []])
    }

    private static func fits(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "object": value.object != nil
        case "array": value.array != nil
        case "string": value.string != nil
        case "integer": value.int != nil
        case "number": value.double != nil
        case "boolean": value.bool != nil
        default: true
        }
    }

    private static func path(of url: String) -> Substring {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        return rest.drop { $0 != "/" }.prefix { $0 != "?" }
    }

    private static func value(of node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            .object(JSONObject(members: mapping.map { .init(key: $0.key.string ?? "", value: value(of: $0.value)) }))
        case .sequence(let sequence): .array(sequence.map { value(of: $0) })
        case .scalar(let scalar):
            if scalar.style != .plain {
                .string(scalar.string)
            } else if let number = Int64(scalar.string) {
                .int(number)
            } else if ["true", "false"].contains(scalar.string) {
                .bool(scalar.string == "true")
            } else {
                .string(scalar.string)
            }
        case .alias: .null
        }
    }
}
