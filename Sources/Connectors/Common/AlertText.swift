internal import ConnectorKit
internal import Journal
internal import Model

/// What an alert's event says to people: a line, and the rest below it.
///
/// Plain text, nothing escaped.
struct AlertText {
    private let data: JSONObject
    private let type: EventType

    /// Nil for events of other types.
    init?(_ effect: Effect) {
        guard EventType.ofAlerts.contains(effect.event.type) else { return nil }
        data = effect.data
        type = effect.event.type
    }

    private func word(_ field: String) -> String? { data.present(field)?.text }
    var isEnd: Bool { type == .alertEnded }
    var isCritical: Bool { word("severity") == "critical" }
    var alert: String? { word("alert") }
    var key: String { word("key") ?? "" }
    var title: String { word("title") ?? "" }

    /// `Alert: crm refuses our credential`.
    var line: String {
        switch type {
        case .alertOpened: "Alert: \(title)"
        case .alertEnded: "Ended\(duration.map { " after \($0)" } ?? ""): \(title)"
        default: "Still open: \(title)"
        }
    }

    private var duration: String? {
        guard let seconds = data["duration_s"]?.int, seconds >= 0 else { return nil }
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) days"
        }
    }

    var product: String { word("product") ?? "Throughline" }

    var lines: [String] {
        var lines = [line]
        if !isEnd {
            if let cost = word("cost") { lines.append("It costs: \(cost).") }
            if let detail = word("detail") { lines.append(detail) }
        }
        if let since = word("since") {
            lines.append("Since \(since)" + (word("ended_at").map { ", ended \($0)." } ?? "."))
        }
        return lines
    }

    var text: String { lines.joined(separator: "\n") }
}
