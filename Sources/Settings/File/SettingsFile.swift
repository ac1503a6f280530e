internal import Model

/// Reads `throughline.yaml`.
package enum SettingsFile {
    package static let sizeMax = 1 << 20

    /// The settings that the text says, or everything that is wrong with it.
    ///
    /// `file` is the name used in problems. `actions` says which actions a kind of destination has; without it, or
    /// where it answers nil, the names of actions are not checked (an `http` destination declares its own).
    package static func read(
        text: String, file: String, actions: ((DestinationKind) -> Set<String>?)? = nil
    ) -> SettingsReading {
        var reader = FileReader(file: file)
        reader.actions = actions
        var settings: Settings?
        if text.utf8.count > sizeMax {
            reader.report(
                FileNode(line: 0, column: 0, path: "", content: .map([])),
                "the file is larger than \(sizeMax / 1024) KiB")
        } else {
            var tree = SyntaxTree(file: file)
            let root = tree.read(text)
            reader.problems += tree.problems
            if let root { settings = reader.settings(root) }
        }
        let problems = reader.problems.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
        let hasErrors = problems.contains { $0.severity == .error }
        return SettingsReading(
            settings: hasErrors ? nil : settings, problems: problems, secrets: reader.secrets)
    }
}

extension FileReader {
    static let sourcesMax = 100
    static let destinationsMax = 100
    static let flowsMax = 500
    static let typesMax = 500

    mutating func settings(_ root: FileNode) -> Settings? {
        guard
            let map = map(
                root,
                keys: [
                    "product", "journal", "http", "sources", "destinations", "flows", "retry", "retention", "alerts",
                    "console", "enrich_for", "types", "reconcile", "receipts", "logs", "traces",
                ], of: "the configuration")
        else { return nil }
        catalogue = EventCatalogue(declared: types(map["types"]))
        let product = text(required("product", in: map, "the product's name"), "the product's name")
        var settings = Settings(product: product ?? "", catalogue: catalogue)
        settings.journal = journal(map["journal"]) ?? settings.journal
        settings.http = http(map["http"])
        settings.sources = sources(map["sources"])
        settings.destinations = destinations(map["destinations"])
        settings.retry = map["retry"].map { retry($0) } ?? settings.retry
        settings.retention = retention(map["retention"])
        settings.alerts = alerts(map["alerts"], destinations: map["destinations"], read: settings.destinations)
        settings.reconcile = reconcile(map["reconcile"])
        settings.receipts = receipts(map["receipts"])
        settings.console = console(map["console"], destinations: map["destinations"])
        settings.enrichFor = duration(map["enrich_for"], in: .zero...Scalars.durationMax) ?? settings.enrichFor
        settings.flows = flows(map["flows"], destinations: map["destinations"], read: settings.destinations)
        settings.logs = choice(map["logs"], as: LogFormat.self) ?? settings.logs
        settings.traces = traces(map["traces"])
        if problems.isEmpty { warnOfUnused(map["destinations"], flows: settings.flows, alerts: settings.alerts) }
        if let flow = settings.alerts.flow { settings.flows.append(flow) }
        return settings
    }

    private mutating func journal(_ node: FileNode?) -> JournalLocation? {
        guard let node else { return nil }
        let text = node.text ?? ""
        if text.hasPrefix("sqlite:"), text.utf8.count > 7, !text.contains("\0") {
            return .sqlite(path: String(text.dropFirst(7)))
        }
        if text.hasPrefix("postgres:") || text.hasPrefix("postgresql:") {
            report(
                node,
                "a database's address holds a password, which is refused in plain text; write env:DATABASE_URL and put "
                    + "the address into .env")
        } else if text.hasPrefix("env:") || text.hasPrefix("file:") {
            return secret(node).map { .postgres(url: $0) }
        } else {
            report(node, "expected sqlite:PATH, as sqlite:throughline.db, or env:DATABASE_URL for Postgres")
        }
        return nil
    }

    private mutating func http(_ node: FileNode?) -> HTTPSettings {
        var settings = HTTPSettings()
        guard let node, let map = map(node, keys: ["host", "port", "public_url", "metrics"], of: "http") else {
            return settings
        }
        settings.host =
            value(map["host"], "a host like 127.0.0.1 or 0.0.0.0") { Scalars.isHost($0) ? $0 : nil } ?? settings.host
        settings.port = integer(map["port"], in: 0...65_535) ?? settings.port
        settings.publicURL = webAddress(map["public_url"])?.text
        settings.metrics = value(map["metrics"], "host:port, as 127.0.0.1:9464", Scalars.listener)
        if let metrics = settings.metrics, let node = map["metrics"], metrics.port == settings.port, metrics.port != 0 {
            report(node, "metrics has the port of http itself; give it one of its own")
        }
        return settings
    }

    mutating func retry(_ node: FileNode) -> RetryPolicy {
        var policy = RetryPolicy()
        guard let map = map(node, keys: ["first", "factor", "longest", "give_up", "attempts"], of: "retry") else {
            return policy
        }
        policy.first = duration(map["first"]) ?? policy.first
        policy.factor =
            value(map["factor"], "a number from 1 to 10") { text in
                Double(text).flatMap { (1...10).contains($0) ? $0 : nil }
            } ?? policy.factor
        policy.longest = duration(map["longest"]) ?? max(policy.longest, policy.first)
        policy.giveUp = duration(map["give_up"]) ?? max(policy.giveUp, policy.first)
        policy.attemptsMax = integer(map["attempts"], in: 1...1000)
        if policy.longest < policy.first, let node = map["longest"] ?? map["first"] {
            report(node, "longest is shorter than first")
        }
        if policy.giveUp < policy.first, let node = map["give_up"] ?? map["first"] {
            report(node, "give_up is shorter than first")
        }
        return policy
    }

    private mutating func retention(_ node: FileNode?) -> Retention {
        var retention = Retention()
        guard let node, let map = map(node, keys: ["raw", "events"], of: "retention") else { return retention }
        let least: Duration = .seconds(3600)
        retention.raw = duration(map["raw"], in: least...Scalars.durationMax) ?? retention.raw
        retention.events = duration(map["events"], in: least...Scalars.durationMax) ?? retention.events
        return retention
    }

    private mutating func types(_ node: FileNode?) -> [EventShape] {
        let ours = Set(EventCatalogue.builtIn.map(\.type.name))
        return named(node, atMost: Self.typesMax, of: "event types").map { entry in
            if ours.contains(entry.name) {
                report(entry.key, at: entry, "\(entry.name) is a type of Throughline's own; choose another name")
            } else if !Scalars.isIdentifier(entry.name) {
                report(entry.key, at: entry, "expected a name of a-z, 0-9 and _, at most 63 long, as trial_started")
            }
            return shape(entry)
        }
    }

    private mutating func shape(_ entry: FileNode.Entry) -> EventShape {
        var shape = EventShape(EventType(entry.name), fields: [])
        guard let map = map(entry.value, keys: ["fields", "required"], of: "an event type") else { return shape }
        for field in named(map["fields"], atMost: 200, of: "fields") {
            let kind = choice(field.value, as: FieldKind.self) ?? .any
            shape.fields.append(EventShape.Field(field.name, kind))
        }
        let names = shape.fields.map(\.name)
        for element in list(map["required"], of: "field names") {
            guard let name = text(element, "a field's name") else { continue }
            if !names.contains(name) {
                report(element, "no field is called \"\(name)\"\(Suggestion.hint(for: name, among: names))")
            }
            shape.required.insert(name)
        }
        return shape
    }

    /// A problem of a key itself, under the path of its value.
    mutating func report(_ key: FileNode, at entry: FileNode.Entry, _ message: String) {
        var place = key
        place.path = entry.value.path
        report(place, message)
    }
}
