internal import ConnectorKit
internal import Journal
internal import Model
internal import Seams
internal import Settings

/// Fills a declared action's templates in, and reads declared paths out of answers.
struct HTTPRendering {
    var effect: Effect

    /// `$` sees the flow's own fields first, then the fact.
    private var scope: Scope {
        var scope = effect.scope
        guard effect.hasOwnFields else { return scope }
        var data = effect.fields
        data.fill(from: effect.data)
        scope.data = data
        return scope
    }

    func request(_ action: HTTPAction) throws(EffectRefusal) -> StoredRequest {
        let scope = scope
        for field in action.required where scope.data.present(field) == nil { throw .missingField(field) }
        var sent = action.body?.value(in: scope)
        if action.body == nil, effect.hasOwnFields, action.method != "GET" { sent = .object(effect.fields) }
        return StoredRequest(
            method: action.method, path: try path(action.path), body: sent?.encoded ?? [], renderedAt: effect.now)
    }

    /// The path with each value percent-encoded, so that it stays the segment or parameter it was meant to be.
    func path(_ template: Template) throws(EffectRefusal) -> String {
        let path: String
        switch template {
        case .literal(let value): path = value.text ?? ""
        case .path(let value): path = try segment(value)
        case .text(let segments):
            var text = ""
            for piece in segments {
                switch piece {
                case .literal(let literal): text += literal
                case .path(let value): text += try segment(value)
                }
            }
            path = text
        case .object, .array:
            throw .impossible(errorClass: "invalid_path", "the path of `\(effect.action)` is not a text")
        }
        guard path.utf8.count <= Limits.textLengthMax else {
            throw .impossible(errorClass: "path_too_long", "the path of `\(effect.action)` is too long")
        }
        return path.isEmpty || path.hasPrefix("/") || path.hasPrefix("?") ? path : "/\(path)"
    }

    private func segment(_ path: Path) throws(EffectRefusal) -> String {
        guard let text = path.value(in: scope)?.text, !text.isEmpty else {
            throw .missingField(path.root == .data ? path.steps.joined(separator: ".") : path.description)
        }
        // Dots cannot be encoded away: a segment of them would lead to another resource.
        guard text != ".", text != ".." else {
            throw .impossible(errorClass: "invalid_path", "`\(path)` is not usable in a path")
        }
        return Encodings.percent(text)
    }

    /// Whether an answer is whole and JSON.
    static func isReadable(_ response: InboundResponse) -> Bool {
        // Why it is not JSON does not matter to the caller.
        !response.isCut && (try? JSONValue(parsing: response.body)) != nil
    }

    /// What stands there in an answer; of a list at the top, `$.0` is the first element.
    static func value(at path: Path, in response: InboundResponse) -> JSONValue? {
        // An answer that is no JSON holds nothing.
        guard let json = try? JSONValue(parsing: response.body) else { return nil }
        let root =
            json.object
            ?? JSONObject(
                members: (json.array ?? []).enumerated().map { .init(key: String($0.offset), value: $0.element) })
        return Path(steps: path.steps).value(in: Scope(data: root))
    }

    /// Whether an answer names something: not nothing, not an empty list, not a count of zero.
    static func isSomething(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.isEmpty
        case .bool(let flag): flag
        case .int(let number): number != 0
        default: !value.isAbsent
        }
    }
}

extension JSONValue {
    /// Text or a number as text; nil for what cannot be an id.
    var scalarText: String? {
        switch self {
        case .string, .int: text
        default: nil
        }
    }
}
