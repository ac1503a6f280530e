internal import Journal
internal import Model

/// Draws a trail for a terminal.
package enum TrailText {
    /// A timeline: events, decisions and jobs by time, and under each job its attempts and what they made.
    ///
    /// Lines are cut at `width` columns; colour only underlines what the words say.
    package static func render(_ document: TrailDocument, width: Int, isColour: Bool) -> String {
        var drawing = Drawing(pen: Pen(isColour: isColour), width: max(40, width))
        drawing.drawSubjects(of: document)
        drawing.drawItems(of: document)
        return drawing.lines.joined(separator: "\n") + "\n"
    }

    /// `240 ms`, `2.4 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
    package static func duration(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        switch milliseconds {
        case ..<1000: return "\(max(0, milliseconds)) ms"
        case ..<60_000: return "\(seconds).\(milliseconds % 1000 / 100) s"
        case ..<3_600_000: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400_000: return "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) d \(seconds / 3600 % 24) h"
        }
    }
}

struct Drawing {
    let pen: Pen
    let width: Int
    var lines: [String] = []
    private var day = ""

    init(pen: Pen, width: Int) {
        self.pen = pen
        self.width = width
    }

    mutating func drawSubjects(of document: TrailDocument) {
        add([(.bold, "Trail of \(document.query)")])
        if document.subjects.isEmpty { add([(.dim, "  not planned yet: its subject is known in a moment")]) }
        for subject in document.subjects {
            add([(.plain, "  "), (.cyan, subject.id.description)])
            for identifier in subject.identifiers.prefix(Self.identifiersMax) {
                let mark = identifier.basis == .claimed ? "  (claimed)" : ""
                add([(.dim, "    \(identifier.kind.name) "), (.plain, identifier.value), (.dim, mark)])
            }
            let rest = subject.identifiers.count - Self.identifiersMax
            if rest > 0 { add([(.dim, "    and \(rest) more")]) }
        }
        if document.subjects.count > 1 {
            let example = document.subjects[0].identifiers.first?.description ?? "email:…"
            add([(.yellow, "  \(document.subjects.count) subjects answer to this id; narrow it, like \(example)")])
        }
        if document.isCut { add([(.yellow, "  only the last \(document.items.count) items are shown")]) }
    }

    mutating func drawItems(of document: TrailDocument) {
        let jobs = Set(document.items.filter { $0.kind == .job }.compactMap(\.job))
        let isBelow = { (item: TrailItem) in
            (item.kind == .attempt || item.kind == .record) && item.job.map(jobs.contains) == true
        }
        let below = Dictionary(grouping: document.items.filter(isBelow)) { $0.job }
        for item in document.items where !isBelow(item) {
            draw(item, indent: item.kind == .event ? 0 : 2)
            guard item.kind == .job, let job = item.job else { continue }
            for line in below[job] ?? [] { draw(line, indent: 6) }
        }
    }

    private mutating func draw(_ item: TrailItem, indent: Int) {
        let text = item.at.description
        if text.prefix(10) != day {
            day = String(text.prefix(10))
            lines.append("")
            add([(.bold, day)])
        }
        var parts: [(Pen.Style, String)] = [
            (.dim, Self.clock(item.at)), (.plain, "  " + String(repeating: " ", count: indent)),
            (pen.style(of: item), Self.glyph(of: item) + " "),
            (item.kind == .event ? .bold : .plain, Self.title(of: item)),
        ]
        if let state = item.state, item.kind != .event || state != "planned" {
            parts.append((pen.style(of: item), "  " + state.replacing("_", with: " ")))
        }
        if let duration = item.durationMilliseconds { parts.append((.dim, "  in " + TrailText.duration(duration))) }
        if let id = Self.shownID(of: item) { parts.append((.cyan, "  " + id)) }
        if let detail = item.detail { parts.append((.dim, "  " + detail)) }
        add(parts)
    }

    private mutating func add(_ parts: [(Pen.Style, String)]) {
        var (line, left) = ("", width)
        for (style, text) in parts where left > 0 && !text.isEmpty {
            // One item stays one line, and moves no cursor, whatever a destination wrote.
            let flat = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? " " : $0 }))
            let shown = flat.count <= left ? flat : flat.prefix(left - 1) + "…"
            left -= shown.count
            line += pen.draw(shown, style)
        }
        lines.append(line)
    }

    private static let identifiersMax = 12

    private static func clock(_ at: Instant) -> String {
        let text = at.description.dropFirst(11).dropLast()
        return text.contains(".") ? String(text) : text + ".000"
    }

    private static func glyph(of item: TrailItem) -> String {
        switch item.kind {
        case .event: "●"
        case .decision: "◇"
        case .job: "▶"
        case .attempt: "·"
        case .record: "◆"
        }
    }

    private static func title(of item: TrailItem) -> String {
        switch item.kind {
        case .event: [item.type, item.source.map { "from \($0)" }].compactMap(\.self).joined(separator: " ")
        case .decision: item.type
        case .job: [item.destination, item.type].compactMap(\.self).joined(separator: ".")
        case .attempt: "attempt " + (item.id.split(separator: "#").last.map(String.init) ?? "")
        case .record: [item.destination, item.type, item.id].compactMap(\.self).joined(separator: " ")
        }
    }

    private static func shownID(of item: TrailItem) -> String? {
        item.kind == .event || item.kind == .job ? item.id : nil
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool {
        value < 0x20 || (0x7F...0x9F).contains(value) || value == 0x2028 || value == 0x2029
    }
}

/// Puts colour on words, or leaves them as they are.
struct Pen {
    enum Style: String { case plain = "", bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36" }

    let isColour: Bool

    func draw(_ text: String, _ style: Style) -> String {
        isColour && style != .plain ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    func style(of item: TrailItem) -> Style {
        switch item.state {
        case "completed", "succeeded", "known": .green
        case "dead", "permanent", "credentials", "blocked": .red
        case "retryable", "transient", "slow_down", "held", "unknown", "waiting", "pending", "refused": .yellow
        default: item.kind == .record ? .cyan : .plain
        }
    }
}
