package import Model
package import Seams

/// A plain JSON API with bearer tokens and an idempotency key, as many products have of their own.
///
/// `POST /{collection}` makes an item, `PUT /{collection}/{key}` makes or replaces one under a key of the caller's,
/// `GET /{collection}?field=value` lists those that fit.
package struct GenericAPIStandIn: StandIn {
    package struct Item: Sendable, Hashable {
        package var id: String
        package var body: JSONObject
        package var at: Instant
    }

    private struct Kept {
        var path: String
        var body: [UInt8]
        var answer: InboundResponse
        var at: Instant
    }

    package var tokens: Set<String>
    let keyHeader: String
    let keyLifetime: Duration
    package private(set) var items: [String: [Item]] = [:]
    private var kept: [String: Kept] = [:]
    private var lastID = 0

    package init(token: String, keyHeader: String = "idempotency-key", keyLifetime: Duration = .seconds(86_400)) {
        tokens = [token]
        self.keyHeader = keyHeader
        self.keyLifetime = keyLifetime
    }

    package mutating func respond(to request: OutboundRequest, at now: Instant) -> InboundResponse {
        let call = Call(request)
        guard let given = call.header("authorization"), tokens.contains(where: { given == "Bearer " + $0 }) else {
            return .json(401, ["error": "unauthorized"])
        }
        switch (call.method, call.segments.count) {
        case ("GET", 1): return list(call)
        case ("POST", 1), ("PUT", 2):
            guard call.saysJSON, let body = call.json else { return .json(400, ["error": "invalid_json"]) }
            return call.method == "PUT" ? put(call, body, at: now) : post(call, body, at: now)
        default: return .json(404, ["error": "not_found"])
        }
    }

    private mutating func post(_ call: Call, _ body: JSONObject, at now: Instant) -> InboundResponse {
        let key = call.header(keyHeader)
        if let key, let old = kept[key], old.at + keyLifetime > now {
            guard old.body == call.body, old.path == call.path else {
                return .json(422, ["error": "idempotency_key_reused"])
            }
            return old.answer
        }
        lastID += 1
        let item = Item(id: String(lastID), body: body, at: now)
        items[call.segments[0], default: []].append(item)
        let answer = InboundResponse.json(201, Self.json(item))
        if let key { kept[key] = Kept(path: call.path, body: call.body, answer: answer, at: now) }
        return answer
    }

    private mutating func put(_ call: Call, _ body: JSONObject, at now: Instant) -> InboundResponse {
        let item = Item(id: call.segments[1], body: body, at: now)
        var list = items[call.segments[0]] ?? []
        let index = list.firstIndex { $0.id == item.id }
        if let index { list[index] = item } else { list.append(item) }
        items[call.segments[0]] = list
        return .json(index == nil ? 201 : 200, Self.json(item))
    }

    private func list(_ call: Call) -> InboundResponse {
        let found = (items[call.segments[0]] ?? []).filter { item in
            call.query.allSatisfy { item.body[$0.name]?.text == $0.value }
        }
        return .json(200, ["items": .array(found.map { .object(Self.json($0)) })])
    }

    private static func json(_ item: Item) -> JSONObject {
        var json: JSONObject = ["id": .string(item.id)]
        json.fill(from: item.body)
        return json
    }

    package var ledger: JSONObject {
        JSONObject(
            members: items.sorted { $0.key < $1.key }.map { name, list in
                .init(key: name, value: .array(list.map { .object(Self.json($0)) }))
            })
    }
}
