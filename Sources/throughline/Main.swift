import ArgumentParser
import CMemory
import Foundation
import Model

@main
struct Throughline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughline",
        abstract: "Every user action, followed through.",
        discussion: """
            Takes the webhooks and chatbot events of your product into one durable journal and carries each to your \
            CRM, support desk and team, once.

            Start with:
              throughline init          writes throughline.yaml and .env
              throughline serve         runs it
              throughline trace ID      tells the story of any id
            """,
        version: Version.text,
        subcommands: [
            Init.self, Serve.self, Demo.self, Config.self, Migrate.self, Backup.self, Emit.self, Trace.self,
            Tail.self, Events.self, Jobs.self, Dead.self, Quarantine.self, Destinations.self, Alerts.self, Issues.self,
            Keys.self, Users.self, Reconcile.self, Export.self, Retention.self, Forget.self,
            SupabaseCommands.self, Bench.self,
        ])

    static func main() async {
        tl_keep_freed_memory()
        let terminal = Terminal()
        do {
            var command = try parseAsRoot()
            try OpenFiles.check()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            if let trouble = Terminal.outputTrouble {
                throw Failure(.unavailable, "Not all of the output could be written: \(trouble).")
            }
        } catch let failure as Failure {
            terminal.note(
                CommandLine.arguments.contains("--json")
                    ? failure.json.encodedText : terminal.styled("error: ", .red) + failure.message)
            Foundation.exit(failure.exitCode)
        } catch is DoesNotHold {
            Foundation.exit(1)
        } catch {
            // ArgumentParser's own errors: help and version are answers, all else is wrong usage.
            let isAnswer = exitCode(for: error).isSuccess
            let text = fullMessage(for: error)
            if isAnswer {
                terminal.line(text)
            } else {
                terminal.note(
                    CommandLine.arguments.contains("--json") ? Failure(.usage, text).json.encodedText : text)
            }
            Foundation.exit(isAnswer ? 0 : 2)
        }
    }
}

enum Version {
    static let text = "0.1.0"
}
