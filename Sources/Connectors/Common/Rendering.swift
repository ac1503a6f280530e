internal import ConnectorKit
internal import Journal
internal import Model
internal import Settings

extension StoredRequest {
    init(_ method: String, _ path: String, json: JSONObject, at now: Instant) {
        self.init(method: method, path: path, body: json.encoded, renderedAt: now)
    }
}

extension Flow.Assignment {
    /// `name: $.name`, or a path of another root.
    init(_ name: String, from steps: String..., root: Path.Root = .data) {
        self.init(name: name, value: .path(Path(root: root, steps: steps.isEmpty ? [name] : steps)))
    }
}
