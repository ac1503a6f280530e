internal import Model
internal import Seams

extension HubSpotStandIn {
    private static let batchMax = 100

    private struct Input {
        var id: String
        var idProperty: String?
        var traceID: String?
        var body: JSONObject
    }

    /// Creates or updates each input by its natural key.
    ///
    /// An unknown property refuses the whole batch. Another fault refuses the whole batch where the key is the email
    /// (HubSpot has no partial upsert by email) and its own input otherwise, which makes the answer a 207.
    mutating func batchUpsert(_ call: Call, _ type: String, at now: Instant) throws(HubSpotError) -> InboundResponse {
        let inputs = try inputs(of: call)
        try refuseUnknownProperties(in: inputs, type)
        // Only a batch of several can fail half done; for one, the copy would cost and never be used.
        let before = inputs.count > 1 ? (objects, lastID) : nil
        var results: [JSONValue] = []
        var errors: [JSONValue] = []
        for input in inputs {
            do throws(HubSpotError) {
                results.append(try upsert(input, type, at: now))
            } catch {
                if input.idProperty == nil || input.idProperty == "email" {
                    if let before { (objects, lastID) = before }
                    throw error
                }
                errors.append(error.entry(ids: [input.id]))
            }
        }
        return Self.batch(results, errors: errors, at: now)
    }

    private mutating func upsert(_ input: Input, _ type: String, at now: Instant) throws(HubSpotError) -> JSONValue {
        var values = try values(in: input.body, type)
        let existing: HubSpotObject?
        if let property = input.idProperty {
            if let problem = self.property(type, property)?.problem(with: input.id) { throw .values([problem]) }
            existing = objects[type]?.find(property, input.id)
            if values[property] == nil { values[property] = property == "email" ? input.id.lowercased() : input.id }
        } else {
            existing = try find(type, input.id, by: nil)
        }
        let object =
            if let existing { try write(values, to: existing, type, at: now) } else {
                try create(values, type, at: now)
            }
        var json = object.json(showing: Self.shown(of: object, values, type))
        json["new"] = .bool(existing == nil)
        if let traceID = input.traceID { json["objectWriteTraceId"] = .string(traceID) }
        return .object(json)
    }

    private func refuseUnknownProperties(in inputs: [Input], _ type: String) throws(HubSpotError) {
        for input in inputs {
            try refuseOrdinary(input.idProperty, type)
            for key in input.body["properties"]?.object?.keys ?? [] where property(type, key) == nil {
                _ = try values(in: input.body, type)
            }
        }
    }

    /// Reads by id or by a unique property; always current, unlike a search.
    func batchRead(_ call: Call, _ type: String, at now: Instant) throws(HubSpotError) -> InboundResponse {
        let body = try Self.body(of: call)
        let inputs = try inputs(of: call, needsProperties: false)
        let names = (body["properties"]?.array ?? []).compactMap(\.string)
        var results: [JSONValue] = []
        var missing: [String] = []
        for input in inputs {
            do throws(HubSpotError) {
                let object = try find(type, input.id, by: body["idProperty"]?.string)
                let shown = Self.shown(names.isEmpty ? nil : names.joined(separator: ","), of: type)
                results.append(.object(object.json(showing: shown)))
            } catch {
                guard error.status == 404 else { throw error }
                missing.append(input.id)
            }
        }
        let error = HubSpotError(
            404, "OBJECT_NOT_FOUND",
            "Could not get some \(type.uppercased()) objects, they may be deleted or not exist. Check that ids are valid."
        )
        return Self.batch(results, errors: missing.isEmpty ? [] : [error.entry(ids: missing)], at: now)
    }

    private func inputs(of call: Call, needsProperties: Bool = true) throws(HubSpotError) -> [Input] {
        let body = try Self.body(of: call)
        guard let given = body["inputs"]?.array, !given.isEmpty else {
            throw .validation("Invalid input JSON: required property 'inputs' is missing")
        }
        guard given.count <= Self.batchMax else {
            throw .validation("The maximum number of inputs supported in a batch request is \(Self.batchMax)")
        }
        var inputs: [Input] = []
        var seen: Set<String> = []
        for value in given {
            guard let input = value.object, let id = input["id"]?.string, !id.isEmpty else {
                throw .validation("Invalid input JSON: each input needs an 'id', which is a string")
            }
            guard !needsProperties || input["properties"]?.object != nil else {
                throw .validation("Invalid input JSON: required property 'properties' is missing")
            }
            guard seen.insert(id.lowercased()).inserted else {
                throw .validation("Duplicate IDs found in batch input: [\(id)]. IDs must be unique")
            }
            inputs.append(
                Input(
                    id: id, idProperty: input["idProperty"]?.string, traceID: input["objectWriteTraceId"]?.string,
                    body: input))
        }
        return inputs
    }

    static func batch(_ results: [JSONValue], errors: [JSONValue] = [], at now: Instant) -> InboundResponse {
        var body: JSONObject = [
            "status": "COMPLETE", "results": .array(results), "startedAt": .string(now.description),
            "completedAt": .string(now.description),
        ]
        if !errors.isEmpty {
            body["numErrors"] = .int(Int64(errors.count))
            body["errors"] = .array(errors)
        }
        return .json(errors.isEmpty ? 200 : 207, body)
    }
}
