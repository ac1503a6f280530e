import Foundation
import Journal
import Model
import Testing

@testable import Watch

@Suite struct `The Grafana dashboard` {
    private var document: JSONValue {
        get throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            return try JSONValue(parsing: Array(Data(contentsOf: root.appending(path: "docs/grafana.json"))))
        }
    }

    /// Every metric that this version can print.
    private var metrics: Set<String> {
        let meters = Meters()
        meters.countDelivery(source: "chat", status: 200)
        meters.recordAcknowledgement(.milliseconds(1))
        meters.countAttempt(destination: "crm", action: "a", outcome: "succeeded", .milliseconds(1))
        meters.countJob(destination: "crm", action: "a", state: "completed")
        meters.countRequest(route: "/", status: 200)
        meters.recordInbox(source: "app", InboxMeter(isReachable: true, waiting: 0, held: 0, lag: .zero))
        let text = MetricsText.render(
            meters.snapshot,
            figures: JournalFigures(
                pending: 0, openJobs: ["crm": [.available: 1]], dead: 0, quarantined: 0, openAlerts: 0,
                eventsLastHour: 0, completedLastHour: 0, deadLastHour: 0, lastEventAt: start),
            destinations: [DestinationMeter(name: "crm", isPaused: false, isBreakerOpen: false, running: 0)],
            residentBytes: 1, now: start, isJournalReadable: true)
        return Set(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
                String($0.prefix { $0 != "{" && $0 != " " })
            })
    }

    private func names(in text: String) -> [String] {
        text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
            .filter { $0.hasPrefix("throughline_") || $0.hasPrefix("process_") }
    }

    @Test func `asks only for metrics that are there, and for nearly all of them`() throws {
        let document = try document
        let queries = (document["panels"]?.array ?? []).flatMap { panel in
            (panel["targets"]?.array ?? []).compactMap { $0["expr"]?.string }
        }
        #expect(queries.count > 15)
        let asked = Set(queries.flatMap(names))
        for query in queries { #expect(!names(in: query).isEmpty, "\(query)") }
        let metrics = metrics
        for name in asked { #expect(metrics.contains(name), "nothing prints \(name)") }
        let unused = metrics.subtracting(asked).filter { !$0.hasSuffix("_sum") && !$0.hasSuffix("_count") }
        #expect(unused.isEmpty, "no panel shows \(unused.sorted())")
        let variable = document["templating"]?["list"]?.array?.compactMap { $0["query"]?.string } ?? []
        #expect(variable.flatMap(names).allSatisfy(metrics.contains))
    }
}
