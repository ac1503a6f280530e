internal import Model
internal import Settings

/// A payload that we do not know by heart, by the map that the configuration gives.
struct MappedReading {
    let map: PayloadMap
    let catalogue: EventCatalogue

    func read(_ payload: JSONObject) -> Reading {
        let scope = Scope(data: payload)
        guard let name = map.type.value(in: scope)?.text, let type = map.types[name] else {
            return .ignored(Problem("unmapped", "this type is not listed under map.types of the source"))
        }
        guard let shape = catalogue[type] else {
            return .quarantined(Problem("unknown_type", "map.types names an event type that is not declared"))
        }
        do throws(ShapeError) {
            return .draft(
                EventDraft(
                    type: type, occurredAt: map.occurredAt?.value(in: scope).flatMap(Self.instant),
                    session: Self.id(map.session, in: scope), user: Self.id(map.user, in: scope),
                    data: try shape.fitted(data(in: scope), isComplete: true)))
        } catch {
            return .quarantined(
                Problem("invalid_field", "\(error.description): mend map.fields of the source", field: error.field))
        }
    }

    private func data(in scope: Scope) -> JSONObject {
        guard !map.fields.isEmpty else { return scope.data["data"]?.object ?? JSONObject() }
        return JSONObject(
            members: map.fields.compactMap { field in
                field.value.value(in: scope).map { JSONObject.Member(key: field.name, value: $0) }
            })
    }

    private static func id(_ path: Path?, in scope: Scope) -> String? {
        ProviderText.id(path?.value(in: scope))
    }

    /// RFC 3339 text, or a number of seconds or (from 10^11 on, the year 5138 in seconds) milliseconds since 1970.
    private static func instant(_ value: JSONValue) -> Instant? {
        if let text = value.string { return Instant(rfc3339: text) }
        guard let number = value.int, (0...ProviderText.millisecondsMax).contains(number) else { return nil }
        return number < 100_000_000_000 ? Instant(seconds: number) : Instant(milliseconds: number)
    }
}

/// Small readings that providers' payloads share.
enum ProviderText {
    /// The last millisecond that RFC 3339 can write.
    static let millisecondsMax: Int64 = 253_402_300_799_999

    /// An id as text of a bounded length; numbers count, since some providers number their objects.
    static func id(_ value: JSONValue?) -> String? {
        let text: String? =
            switch value {
            case .string(let text): text
            case .int(let number): String(number)
            default: nil
            }
        // As it is or not at all: shortened, it would be somebody else's.
        guard let text, text.utf8.count <= Limits.idLengthMax, !text.utf8.contains(0),
            !text.allSatisfy(\.isWhitespace)
        else { return nil }
        return text
    }
}
