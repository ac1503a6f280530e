internal import Journal
internal import Model
internal import Seams
internal import Settings

extension Intake {
    /// Takes `POST /v1/events`, whose key was checked before: one object, an array, or NDJSON.
    ///
    /// `boundSource` is the source that the key is for, where it is for one. One object is answered as `/in` does;
    /// several with 200 when all were taken, else 207, and an item each.
    package func receiveEvents(
        source: String?, contentType: String?, body: [UInt8], boundSource: String?
    ) async -> IntakeAnswer {
        guard body.count <= Limits.eventsSizeMax else { return .tooLarge(sizeMax: Limits.eventsSizeMax) }
        guard MediaType.isEvents(contentType) else { return .wrongMediaType }
        switch eventsReader(source: source, boundSource: boundSource) {
        case .failure(let answer): return answer.answer
        case .success(let reader):
            let now = time.now
            switch EventBatch(body, isLines: MediaType.isLines(contentType)) {
            case .one: return await admit(reader.decode(body, id: nil, at: now, mint: mint), payload: body)
            case .tooMany:
                return .error(
                    413, .tooLarge, "One request takes \(Limits.batchEventsMax) events at most. Split it.")
            case .none: return .error(400, .invalid, "The list holds no event.")
            case .many(let items): return await admit(items, reader: reader, at: now)
            }
        }
    }

    private func admit(_ items: [EventBatch.Item], reader: SourceReader, at now: Instant) async -> IntakeAnswer {
        let receptions = items.map { item in
            switch item {
            case .value(let value, let bytes): reader.decode(value, body: bytes, id: nil, at: now, mint: mint)
            case .text(let bytes): reader.decode(bytes, id: nil, at: now, mint: mint)
            }
        }
        let arrivals = zip(receptions, items).compactMap { Self.arrival(of: $0, payload: $1.bytes) }
        let results = await admission.submit(batch: arrivals)
        // Each reception without a signature to refuse has one arrival, so the three lists stand side by side.
        let answers = zip(receptions, results).map { IntakeAnswer.of($0, $1) }
        let rows = zip(receptions, answers).enumerated().map { Self.row($0, $1.0, $1.1) }
        let isAllTaken = answers.allSatisfy { $0.status == 200 }
        let retryAfter = answers.compactMap(\.retryAfter).max()
        return IntakeAnswer(
            status: isAllTaken ? 200 : 207, body: ["items": .array(rows)], retryAfter: retryAfter)
    }

    private static func row(_ index: Int, _ reception: Reception, _ answer: IntakeAnswer) -> JSONValue {
        let id: String? =
            switch reception {
            case .event(let event): event.externalID
            case .rejected(let kept), .quarantined(let kept), .ignored(let kept):
                kept.externalID.hasPrefix(SourceReader.digestPrefix) ? nil : kept.externalID
            case .refused: nil
            }
        let status = answer.body["status"] ?? (answer.status == 400 ? "rejected" : "unavailable")
        var row: JSONObject = [
            "index": .int(Int64(index)), "id": id.map { .string($0) } ?? .null, "status": status,
            "event": answer.body["event"] ?? .null, "error": answer.body["error"] ?? .null,
        ]
        row["quarantine"] = answer.body["quarantine"]
        return .object(row)
    }

    private struct Answered: Error { var answer: IntakeAnswer }

    private func eventsReader(source: String?, boundSource: String?) -> Result<SourceReader, Answered> {
        if let source, let boundSource, source != boundSource {
            let message = "This key is bound to another source. Leave source= out, or use a key for it."
            return .failure(Answered(answer: .error(403, .forbidden, message, field: "source")))
        }
        guard let name = boundSource ?? source else {
            let all = eventsReaders
            guard all.count == 1, let only = all.first else {
                let message =
                    all.isEmpty
                    ? "No source of kind events is configured. Add one under sources: in throughline.yaml."
                    : "There are several sources of kind events. Say which with source=."
                return .failure(Answered(answer: .error(400, .invalid, message, field: "source")))
            }
            return .success(only)
        }
        guard let reader = reader(name), reader.source.kind == .events else {
            let message = "There is no source of this name and of kind events."
            return .failure(Answered(answer: .error(404, .notFound, message, field: "source")))
        }
        return .success(reader)
    }
}
