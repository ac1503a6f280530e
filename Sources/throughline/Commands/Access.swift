import API
import ArgumentParser
import Foundation
import Model
import Seams

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes, lists and revokes API keys; makes signing secrets.",
        discussion: """
            Examples:
              throughline keys create --scope ingest
              throughline keys secret
              throughline keys revoke a1b2c3d4
            """,
        subcommands: [Create.self, Secret.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key and shows it once.")
        @Option(help: "ingest, read, operate or admin.") var scope: String
        @Option(help: "For ingest: the one source of kind events that it may send to.") var source: String?
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                var body: JSONObject = ["scope": .string(scope)]
                body["source"] = source.map { .string($0) }
                let answer = try await client.call("POST", "/v1/keys", body: .object(body))
                if common.json { return terminal.line(answer.encodedText) }
                terminal.line(answer["key"]?.string ?? "")
                terminal.note("Keep it now: it is stored hashed and cannot be shown again.")
            }
        }
    }

    struct Secret: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a signing secret for Standard Webhooks (whsec_…); nothing is stored.")
        @OptionGroup var common: CommonOptions

        func run() {
            let secret = "whsec_" + Data(SystemChance().bytes(32)).base64EncodedString()
            Terminal().line(common.json ? (["secret": .string(secret)] as JSONValue).encodedText : secret)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists keys by their shown part.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/keys", query: [], limit: Limits.pageMax, isPaged: false,
                    headings: ["KEY", "SCOPE", "SOURCE", "CREATED", "REVOKED"],
                    row: {
                        [
                            $0.cell("key"), $0.cell("scope"), $0.cell("source"), $0.cell("created_at"),
                            $0.cell("revoked_at"),
                        ]
                    }, empty: "No keys yet. Make one: throughline keys create --scope ingest"
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a key at once.")
        @Argument(help: "Its shown part, the eight characters after tl_.") var shown: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let part = shown.hasPrefix("tl_") ? String(shown.dropFirst(3).prefix(8)) : shown
            try await Session.with(common) { client, terminal in
                let answer = try await client.call("DELETE", "/v1/keys/\(PercentEncoding.encode(part))")
                terminal.line(common.json ? answer.encodedText : "tl_\(part)… is revoked.")
            }
        }
    }
}

struct Users: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Adds, lists and removes people who may sign in to the console.",
        discussion: """
            Examples:
              throughline users add ada@example.com --role admin
              throughline users list
            """,
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a person, or gives them a new password or role.",
            discussion: "Asks for the password. Without a terminal it is read from standard input.")
        @Argument(help: "Their email address.") var email: String
        @Option(help: "reader, operator or admin.") var role = "operator"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            // Before anybody types a password for nothing.
            guard EmailAddress(email) != nil else {
                throw Failure(.usage, "\"\(email)\" is no email address. Write one like you@example.com.")
            }
            guard ["reader", "operator", "admin"].contains(role) else {
                throw Failure(.usage, "--role is reader, operator or admin, not \"\(role)\".")
            }
            let password = try Password.ask(for: email)
            try await Session.with(common) { client, terminal in
                let answer = try await client.call(
                    "POST", "/v1/users",
                    body: ["email": .string(email), "role": .string(role), "password": .string(password.revealed)])
                terminal.line(common.json ? answer.encodedText : "\(email) can sign in as \(role).")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists people.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                try await Listing(
                    path: "/v1/users", query: [], limit: Limits.pageMax, isPaged: false,
                    headings: ["EMAIL", "ROLE", "CREATED"],
                    row: { [$0.cell("email"), $0.cell("role"), $0.cell("created_at")] },
                    empty: "Nobody yet. Add someone: throughline users add you@example.com --role admin"
                ).show(client, terminal, json: common.json)
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes a person.")
        @Argument(help: "Their email address.") var email: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            try await Session.with(common) { client, terminal in
                let answer = try await client.call("DELETE", "/v1/users/\(PercentEncoding.encode(email))")
                terminal.line(common.json ? answer.encodedText : "\(email) can no longer sign in.")
            }
        }
    }
}

/// Reads a password without showing it.
enum Password {
    static func ask(for email: String) throws -> Redacted<String> {
        let terminal = Terminal()
        var text: String
        if isatty(STDIN_FILENO) == 1 {
            text = try readHidden("Password for \(email): ", terminal)
            guard try readHidden("Once more: ", terminal) == text else {
                throw Failure(.usage, "The two passwords differ. Nothing was changed.")
            }
        } else {
            text = readLine() ?? ""
        }
        text = text.trimmingCharacters(in: .newlines)
        if let problem = Routes.problem(withPassword: text) { throw Failure(.usage, "\(problem) Nothing was changed.") }
        return Redacted(text)
    }

    private static func readHidden(_ prompt: String, _ terminal: Terminal) throws -> String {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else {
            throw Failure(.usage, "The terminal does not allow hidden input; pipe the password in instead.")
        }
        var hidden = before
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
        terminal.progress(prompt)
        let text = readLine() ?? ""
        terminal.note("")
        return text
    }
}

struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Erases a person: payloads, data, identifiers, requests and errors of their whole story.",
        discussion: """
            Records at your CRM or support desk are not touched. It cannot be undone.

            Example:
              throughline forget ada@example.com
            """)
    @Argument(help: "Any id of the person.") var id: String
    @OptionGroup var consent: ConsentOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await Session.with(common) { client, terminal in
            let plan = try await client.call("DELETE", "/v1/subjects", body: ["id": .string(id), "dry_run": true])
            if !common.json || consent.dryRun { Sheet.show(plan, terminal, json: common.json) }
            if consent.dryRun { return }
            guard try terminal.confirms("Erase all of this for good?", isYes: consent.yes) else { throw DoesNotHold() }
            let answer = try await client.call("DELETE", "/v1/subjects", body: ["id": .string(id), "dry_run": false])
            if common.json { return terminal.line(answer.encodedText) }
            terminal.line("Erased.")
            Sheet.show(answer, terminal, json: false)
        }
    }
}
