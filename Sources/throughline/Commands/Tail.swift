import ArgumentParser
import Model
import Seams

struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows events and jobs as they happen, until Ctrl-C.",
        discussion: """
            Examples:
              throughline tail
              throughline tail --type payment_succeeded
              throughline tail --destination crm --json
            """)
    @Option(help: "Only events of this type.") var type: String?
    @Option(help: "Only events of this source.") var source: String?
    @Option(help: "Only jobs for this destination (and no events).") var destination: String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await Session.with(common) { client, terminal in
            var follow = Follow(terminal: terminal, isJSON: common.json)
            let time = SystemTime()
            let start = (time.now - .seconds(60)).description
            while !Task.isCancelled {
                if destination == nil {
                    try await client.list(
                        "/v1/events", query: [("type", type), ("source", source), ("since", start)], limit: 100
                    ) { follow.takeEvent($0) }
                }
                if type == nil && source == nil {
                    try await client.list(
                        "/v1/jobs", query: [("destination", destination), ("since", start)], limit: 100
                    ) { follow.takeJob($0) }
                }
                follow.show()
                try await time.sleep(for: .seconds(1))
            }
        }
    }
}

/// What was shown already, so that each event is shown once and each job once a state.
private struct Follow {
    private static let rememberedMax = 10_000

    let terminal: Terminal
    let isJSON: Bool
    private var seen: Set<String> = []
    private var fresh: [(at: String, line: String)] = []

    init(terminal: Terminal, isJSON: Bool) {
        self.terminal = terminal
        self.isJSON = isJSON
    }

    mutating func takeEvent(_ event: JSONObject) {
        take(event, key: event.cell("id"), at: event.cell("received_at")) {
            "event  \($0.cell("type"))  \($0.cell("source"))  \($0.cell("id"))"
        }
    }

    mutating func takeJob(_ job: JSONObject) {
        let at = job.present("ended_at")?.text ?? job.cell("created_at")
        take(job, key: job.cell("id") + job.cell("state") + job.cell("attempts"), at: at) {
            "job    \($0.cell("destination")).\($0.cell("action"))  \($0.cell("state"))  \($0.cell("id"))"
                + ($0.present("error")?.text.map { "  \($0)" } ?? "")
        }
    }

    private mutating func take(_ item: JSONObject, key: String, at: String, line: (JSONObject) -> String) {
        guard seen.insert(key).inserted else { return }
        fresh.append((at, isJSON ? item.encodedText : "\(terminal.styled(at, .dim))  \(line(item))"))
    }

    mutating func show() {
        for entry in fresh.sorted(by: { $0.at < $1.at }) { terminal.line(entry.line) }
        fresh = []
        if seen.count > Self.rememberedMax { seen = [] }
    }
}
