internal import Model

extension FileReader {
    private static let flowKeys = [
        "name", "id", "on", "when", "do", "set", "rollout", "on_unknown", "on_dead", "priority", "after", "retry",
    ]

    /// `destinations` is what the file says and `read` what could be read: a broken destination is reported once.
    mutating func flows(
        _ node: FileNode?, destinations: FileNode?, read: [DestinationSettings]
    ) -> [Flow] {
        let targets = Targets(names: destinations?.entries?.map(\.name) ?? [], read: read)
        var lines: [String: Int] = [:]
        return list(node, atMost: Self.flowsMax, of: "flows").compactMap { element in
            guard let flow = flow(element, targets: targets) else { return nil }
            if let earlier = lines[flow.id], !flow.id.isEmpty {
                report(
                    element,
                    "the flow on line \(earlier) has the id \"\(flow.id)\" too; ids stand in effect keys, so give this "
                        + "one an id of its own")
            }
            lines[flow.id] = lines[flow.id] ?? element.line
            return flow
        }
    }

    /// The destinations that flows can name.
    private struct Targets {
        var names: [String]
        var read: [DestinationSettings]
    }

    private mutating func flow(_ node: FileNode, targets: Targets) -> Flow? {
        guard let map = map(node, keys: Self.flowKeys, of: "a flow") else { return nil }
        let (id, name) = identity(map)
        let on = oneOrMore(required("on", in: map, "an event type or a list of them"), of: "event types")
        if on.isEmpty, let node = map["on"] { report(node, "names no event type") }
        var flow = Flow(
            id: id, name: name, on: on.compactMap { eventType($0) }, when: condition(map["when"]),
            calls: calls(map, targets: targets))
        flow.set = map["set"].map { assignments($0) }
        flow.rollout =
            value(map["rollout"], "off, shadow, canary 25% or on", Scalars.rollout) ?? flow.rollout
        flow.onUnknown = choice(map["on_unknown"], as: Flow.OnUnknown.self) ?? flow.onUnknown
        flow.stopsLaneWhenDead = word(map["on_dead"], among: ["continue", "stop"]) == "stop"
        flow.priority = integer(map["priority"], in: -100...100) ?? flow.priority
        flow.after = duration(map["after"], in: .zero...(.seconds(365 * 86_400))) ?? flow.after
        flow.retry = map["retry"].map { retry($0) }
        return flow
    }

    /// The id is the slug of the name, unless the file gives one; a flow with an id alone is called by it.
    private mutating func identity(_ map: FileMap) -> (id: String, name: String) {
        let given = value(map["id"], "an id of a-z, 0-9, - and _, at most 63 long") { Scalars.isName($0) ? $0 : nil }
        let name = text(map["name"], "the flow's name")
        if let given { return (given, name ?? given) }
        guard let name else {
            if map["id"] == nil, map["name"] == nil { _ = required("name", in: map, "the flow's name") }
            return ("", "")
        }
        let slug = Scalars.slug(name)
        if slug.isEmpty, map["id"] == nil, let node = map["name"] {
            report(node, "no id can be made of this name, which has no a-z or 0-9; write an id too")
        }
        return (slug, name)
    }

    private mutating func calls(_ map: FileMap, targets: Targets) -> [Flow.Call] {
        guard let node = required("do", in: map, "destination.action, or a list of them") else { return [] }
        let elements = oneOrMore(node, of: "actions")
        if elements.isEmpty { report(node, "names no action") }
        var seen: Set<Flow.Call> = []
        return elements.compactMap { element in
            guard let call = call(element, targets: targets) else { return nil }
            if !seen.insert(call).inserted {
                report(
                    element,
                    "\(call.name) stands here twice; tell them apart: { do: \(call.destination).\(call.action), as: second }"
                )
            }
            return call
        }
    }

    /// `crm.add_note`, or `{ do: crm.add_note, as: second }`.
    private mutating func call(_ node: FileNode, targets: Targets) -> Flow.Call? {
        var alias: String?
        var place: FileNode? = node
        if case .map = node.content {
            guard let map = map(node, keys: ["do", "as"], of: "an action") else { return nil }
            place = required("do", in: map, "destination.action")
            alias = value(map["as"], "a word of a-z, 0-9, - and _") { Scalars.isName($0) ? $0 : nil }
        }
        guard let place, let text = text(place, "destination.action, as crm.upsert_contact") else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
            report(place, expected: "destination.action, as crm.upsert_contact")
            return nil
        }
        checkTarget(place, destination: parts[0], action: parts[1], targets: targets)
        return Flow.Call(destination: parts[0], action: parts[1], alias: alias)
    }

    private mutating func checkTarget(_ node: FileNode, destination: String, action: String, targets: Targets) {
        guard targets.names.contains(destination) else {
            report(node, noDestination(destination, among: targets.names))
            return
        }
        guard let kind = targets.read.first(where: { $0.name == destination })?.kind,
            let known = knownActions(of: kind), !known.contains(action)
        else { return }
        let hint = Suggestion.hint(for: action, among: known)
        report(
            node,
            "\(destination), a \(kind.name) destination, has no action \(FileNode.quoted(action))"
                + (hint.isEmpty ? "; it has \(known.sorted().joined(separator: ", "))" : hint))
    }

    private func knownActions(of kind: DestinationKind) -> Set<String>? {
        if case .http(let http) = kind { return Set(http.actions.map(\.name)) }
        return actions?(kind)
    }

    func noDestination(_ name: String, among names: [String]) -> String {
        let hint = Suggestion.hint(for: name, among: names)
        let rest =
            hint.isEmpty ? (names.isEmpty ? "; there is none" : "; there are \(names.joined(separator: ", "))") : hint
        return "no destination is called \(FileNode.quoted(name))" + rest
    }

    private mutating func assignments(_ node: FileNode) -> [Flow.Assignment] {
        if node.isEmpty { report(node, expected: "a map of fields; without the key the action's defaults are sent") }
        return named(node, atMost: 200, of: "fields").compactMap { entry in
            template(entry.value).map { Flow.Assignment(name: entry.name, value: $0) }
        }
    }
}
