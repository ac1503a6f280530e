import ArgumentParser
import Model
import Trail

struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tells the story of any id.",
        discussion: """
            A chat session, user, email, payment, customer, event, CRM record, ticket or job: every event, decision, \
            job, attempt and record of the people that it belongs to, in time order.

            Examples:
              throughline trace sess_81
              throughline trace ada@example.com
              throughline trace crm:512          a record at the destination "crm"
              throughline trace tjb_01… --json
            """)

    @Argument(help: "The id; kind:value where it could be two things (email:…, crm:…).")
    var id: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await Session.with(common) { client, terminal in
            let answer = try await client.call("POST", "/v1/trace", body: ["id": .string(id)])
            if common.json { return terminal.line(answer.encodedText) }
            guard let document = TrailDocument(json: answer) else {
                throw Failure(.unavailable, "The server's answer is no trail: is it another version?")
            }
            // Where no terminal cuts its lines, neither do we.
            let width = terminal.isInteractive ? terminal.width : .max
            terminal.line(TrailText.render(document, width: width, isColour: terminal.isColour))
        }
    }
}
