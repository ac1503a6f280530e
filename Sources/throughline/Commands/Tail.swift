import ArgumentParser
import Model
import Seams

struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows events and jobs as they happen, until Ctrl-C.",
        discussion: """
            A server that restarts is waited for, and followed from where it ended. With --json each line has a \
            cursor, from which --cursor goes on.

            Examples:
              throughline tail
              throughline tail --type payment_succeeded
              throughline tail --destination crm --json
            """)
    @Option(help: "Only events of this type (and no jobs).") var type: String?
    @Option(help: "Only events of this source (and no jobs).") var source: String?
    @Option(help: "Only jobs for this destination (and no events).") var destination: String?
    @Option(help: "Begin after this cursor instead of now.") var cursor: String?
    @OptionGroup var common: CommonOptions

    /// How long a server that went away is waited for.
    private static let patience = 60

    func run() async throws {
        var place = cursor
        var hasFollowed = false
        var triesLeft = Self.patience
        while true {
            do {
                try await Session.with(common, needsServer: true) { client, terminal in
                    let query = [("type", type), ("source", source), ("destination", destination), ("cursor", place)]
                    try await client.follow("GET", "/v1/tail", query: query) { line in
                        if !hasFollowed, terminal.isInteractive { terminal.note("Following; Ctrl-C ends it.") }
                        (hasFollowed, triesLeft) = (true, Self.patience)
                        place = line["cursor"]?.string ?? place
                        if let text = Self.text(of: line, terminal, json: common.json) { terminal.line(text) }
                    }
                }
            } catch let failure as Failure where hasFollowed && failure.exitCode == 3 {
                // It was there before: it is asked again below.
            }
            if triesLeft == Self.patience { Terminal().note("The server went away; waiting for it.") }
            triesLeft -= 1
            guard triesLeft > 0 else { throw Failure(.unreachable, "The server went away and did not come back.") }
            try await SystemTime().sleep(for: .seconds(1))
        }
    }

    /// Nil for what only keeps the connection.
    static func text(of line: JSONObject, _ terminal: Terminal, json: Bool) -> String? {
        guard let kind = line["kind"]?.string, kind == "event" || kind == "job", let item = line[kind]?.object else {
            return nil
        }
        if json { return line.encodedText }
        let at = terminal.styled(line.cell("at"), .dim)
        guard kind == "job" else {
            return "\(at)  event  \(item.cell("type"))  \(item.cell("source"))  \(item.cell("id"))"
        }
        return "\(at)  job    \(item.cell("destination")).\(item.cell("action"))  \(item.cell("state"))  "
            + item.cell("id") + (item.present("error")?.text.map { "  \($0)" } ?? "")
    }
}
