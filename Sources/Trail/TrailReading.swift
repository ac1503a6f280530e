internal import Journal
package import Model

extension TrailDocument {
    /// Reads what `json` printed; nil for anything else.
    package init?(json: JSONValue) {
        guard let query = json["query"]?.string, let subjects = json["subjects"]?.array,
            let items = json["items"]?.array
        else { return nil }
        self.init(
            query: query, subjects: subjects.compactMap { TrailSubject(json: $0) },
            items: items.compactMap { TrailItem(json: $0) }, isCut: json["is_cut"]?.bool ?? false)
        guard self.subjects.count == subjects.count, self.items.count == items.count else { return nil }
    }
}

extension TrailSubject {
    init?(json: JSONValue) {
        guard let id = json["id"]?.string.flatMap({ SubjectID($0) }) else { return nil }
        let identifiers = (json["identifiers"]?.array ?? []).compactMap { identifier -> SubjectIdentifier? in
            guard let kind = identifier["kind"]?.string, let value = identifier["value"]?.string,
                let basis = identifier["basis"]?.string.flatMap({ SubjectIdentifier.Basis(rawValue: $0) })
            else { return nil }
            return SubjectIdentifier(SubjectIdentifier.Kind(kind), value, basis)
        }
        self.init(id: id, identifiers: identifiers)
    }
}

extension TrailItem {
    init?(json: JSONValue) {
        guard let at = json["at"]?.string.flatMap({ Instant(rfc3339: $0) }),
            let kind = json["kind"]?.string.flatMap({ Kind(rawValue: $0) }), let id = json["id"]?.string,
            let type = json["type"]?.string
        else { return nil }
        self.init(
            at: at, kind: kind, id: id, type: type, source: json["source"]?.string,
            destination: json["destination"]?.string, state: json["state"]?.string,
            durationMilliseconds: json["duration_ms"]?.int, detail: json["detail"]?.string,
            job: json["job"]?.string.flatMap { JobID($0) }, subject: json["subject"]?.string.flatMap { SubjectID($0) })
    }
}
