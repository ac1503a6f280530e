internal import Model
internal import Mustache

/// Fills the templates that are embedded in the binary.
struct Renderer: Sendable {
    private let library: MustacheLibrary

    /// Throws when a template cannot be parsed, which a test shows before a release can.
    init() throws {
        var library = MustacheLibrary()
        for (name, bytes) in Self.templates {
            try library.register(String(decoding: bytes, as: UTF8.self), named: name)
        }
        self.library = library
    }

    func render(_ template: String, _ values: JSONObject) -> String {
        library.render(Self.plain(values), withTemplate: template) ?? ""
    }

    /// Members that are absent are left out: `null`, empty text and empty lists are all false to a section.
    private static func plain(_ object: JSONObject) -> [String: Any] {
        var values: [String: Any] = [:]
        for member in object.members where !member.value.isAbsent { values[member.key] = plain(member.value) }
        return values
    }

    private static func plain(_ value: JSONValue) -> Any {
        switch value {
        case .null: ""
        case .bool(let flag): flag
        case .int(let number): String(number)
        case .double(let number): String(number)
        case .string(let text): HTMLText.separated(text)
        case .array(let list): list.map(plain)
        case .object(let object): plain(object)
        }
    }

    private static let templates: [(String, [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("signin", PackageResources.signin_mustache),
        ("entered", PackageResources.entered_mustache),
        ("message", PackageResources.message_mustache),
        ("now", PackageResources.now_mustache),
        ("trail", PackageResources.trail_mustache),
        ("events", PackageResources.events_mustache),
        ("event", PackageResources.event_mustache),
        ("replay", PackageResources.replay_mustache),
        ("jobs", PackageResources.jobs_mustache),
        ("job", PackageResources.job_mustache),
        ("dead", PackageResources.dead_mustache),
        ("plan", PackageResources.plan_mustache),
        ("run", PackageResources.run_mustache),
        ("quarantine", PackageResources.quarantine_mustache),
        ("kept", PackageResources.kept_mustache),
        ("reconciliations", PackageResources.reconciliations_mustache),
        ("reconciliation", PackageResources.reconciliation_mustache),
        ("repair", PackageResources.repair_mustache),
        ("destinations", PackageResources.destinations_mustache),
        ("destination", PackageResources.destination_mustache),
        ("flows", PackageResources.flows_mustache),
        ("flow", PackageResources.flow_mustache),
        ("rehearse", PackageResources.rehearse_mustache),
        ("alerts", PackageResources.alerts_mustache),
        ("audit", PackageResources.audit_mustache),
        ("settings", PackageResources.settings_mustache),
        ("time", PackageResources.time_mustache),
        ("filters", PackageResources.filters_mustache),
        ("maps", PackageResources.maps_mustache),
        ("fields", PackageResources.fields_mustache),
    ]
}

/// Makes text safe for a template engine that escapes whole characters.
enum HTMLText {
    /// Puts a zero-width space between a character with a meaning in HTML and what has joined it, and a mark where
    /// something stood that has no place on a page.
    ///
    /// The engine escapes `"`, but not a `"` with a combining mark on it, which is one other character to Swift and
    /// the same `"` to a browser.
    static func separated(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x7F || ($0 < 0x20 && $0 != 0x0A && $0 != 0x09) }) else { return text }
        var separated = ""
        for character in text {
            let scalars = character.unicodeScalars
            if scalars.contains(where: isStray) {
                // What is left of it is looked at again: a mark may have joined it.
                var rest = String.UnicodeScalarView()
                for scalar in scalars { rest.append(isStray(scalar) ? "\u{FFFD}" : scalar) }
                separated += Self.separated(String(rest))
                continue
            }
            if scalars.count > 1, scalars.contains(where: { "<>&\"'".unicodeScalars.contains($0) }) {
                for scalar in scalars {
                    separated.unicodeScalars.append(scalar)
                    separated.unicodeScalars.append("\u{200B}")
                }
            } else {
                separated.append(character)
            }
        }
        return separated
    }

    /// Controls, and what turns the direction of the words behind it round.
    private static func isStray(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0x00...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
