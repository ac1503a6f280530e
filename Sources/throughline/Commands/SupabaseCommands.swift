import ArgumentParser
import Foundation
import Model
import Seams
import Settings
import Supabase

/// What is done to the product's own database, always as a migration that a person reads first.
struct SupabaseCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supabase", abstract: "Ties tables of the product's own database to event types.",
        subcommands: [Attach.self, Detach.self])

    struct Attach: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the migration that turns rows of a table into events, in the same transaction.",
            discussion: """
                The table is written as Postgres has it: leads, crm.leads, or "odd.schema"."My Leads"; the same goes for \
                columns. --on takes insert, delete, update (any mapped column changes) and update:COLUMN,COLUMN.

                A row's version is one event: name the column that changes with each change worth telling with \
                --version; without it each change is told.

                Examples:
                  throughline supabase attach leads --as lead_captured --map email=email name=full_name --write
                  throughline supabase attach orders --as payment_succeeded --on update:status \\
                    --map payment=stripe_id amount=total_cents --set currency=usd --user user_id
                """)
        @Argument(help: "The table.") var table: String
        @Option(name: .customLong("as"), help: "The event type.") var type: String
        @Option(parsing: .upToNextOption, help: "field=column: which column is which field of the event's data.")
        var map: [String] = []
        @Option(parsing: .upToNextOption, help: "field=value: fields that are the same for every row.")
        var set: [String] = []
        @Option(help: "Which changes are told.") var on = "insert"
        @Option(help: "The columns of the primary key, or of another unique index.") var key = "id"
        @Option(name: .customLong("version"), help: "The column that tells one version of a row from another.")
        var versionColumn: String?
        @Option(help: "The column with the chat session's id.") var session: String?
        @Option(help: "The column with the user's id.") var user: String?
        @Option(help: "The column with the time of what happened (default: the transaction's).")
        var occurredAt: String?
        @OptionGroup var output: MigrationOptions

        func run() throws {
            let catalogue = Emit.catalogue(output.config)
            let attachment = try attachment(catalogue)
            let problems = attachment.problems(in: catalogue)
            guard problems.isEmpty else {
                throw Failure(.usage, problems.joined(separator: "\n"))
            }
            let terminal = Terminal()
            for doubt in attachment.doubts(in: catalogue) { terminal.note("warning: \(doubt)") }
            try output.give(
                AttachmentSQL.attach(attachment, catalogue: catalogue),
                named: MigrationFolder.title(of: "attach", attachment.table.name, type), terminal)
        }

        private func attachment(_ catalogue: EventCatalogue) throws -> TableAttachment {
            guard let changes = RowChanges(on) else {
                throw Failure(
                    .usage,
                    "\"\(on)\" says no changes: write insert, delete, update or update:COLUMN,COLUMN, as in "
                        + "--on insert,update:status,delete.")
            }
            guard let key = TableName.columns(key) else {
                throw Failure(.usage, "--key takes columns with a comma between.")
            }
            let shape = catalogue[EventType(type)]
            return TableAttachment(
                table: try output.table(table), type: EventType(type), changes: changes,
                fields: try pairs(map, "field=column").map { .init(name: $0, column: $1) },
                fixed: try pairs(set, "field=value").map { name, text in
                    .init(name: name, value: Emit.value(text, as: shape?.fields.first { $0.name == name }?.kind))
                },
                key: key, version: versionColumn, session: session, user: user, occurredAt: occurredAt)
        }

        private func pairs(_ texts: [String], _ form: String) throws -> [(String, String)] {
            try texts.map { text in
                guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                    throw Failure(.usage, "\"\(text)\" is no pair: write \(form).")
                }
                return (String(text[..<equals]), String(text[text.index(after: equals)...]))
            }
        }
    }

    struct Detach: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the migration that takes a table's triggers away again.",
            discussion: """
                Example:
                  throughline supabase detach leads --as lead_captured --write
                """)
        @Argument(help: "The table.") var table: String
        @Option(name: .customLong("as"), help: "The event type.") var type: String
        @OptionGroup var output: MigrationOptions

        func run() throws {
            let table = try output.table(table)
            // A type that was declared once and is no more must still be possible to take away.
            guard AttachmentSQL.isTypeName(type) else {
                throw Failure(.usage, "\"\(type)\" is no name of an event type.")
            }
            try output.give(
                AttachmentSQL.detach(table, type: EventType(type)),
                named: MigrationFolder.title(of: "detach", table.name, type), Terminal())
        }
    }
}

/// Where a migration goes: to the terminal, or into the product's repository.
struct MigrationOptions: ParsableArguments {
    @Flag(help: "Write it into supabase/migrations instead of printing it.") var write = false
    @Option(help: "With --write: the product's repository.") var folder = "."
    @Option(help: "The configuration file, for event types of your own.") var config: String?
    @Flag(help: "Answer as JSON.") var json = false

    func table(_ text: String) throws -> TableName {
        guard let table = TableName(text) else {
            throw Failure(
                .usage,
                "\"\(text)\" is no name of a table: write TABLE or SCHEMA.TABLE, a part with a dot in double quotes.")
        }
        return table
    }

    func give(_ sql: String, named title: String, _ terminal: Terminal) throws {
        guard write else {
            let text = json ? (["migration": .string(sql)] as JSONValue).encodedText : sql
            return terminal.line(text)
        }
        let (path, isNew) = try ProductFolder(folder).write(migration: sql, named: title, at: SystemTime().now)
        if json {
            return terminal.line((["migration": .string(sql), "path": .string(path)] as JSONValue).encodedText)
        }
        terminal.line(
            isNew
                ? "Wrote \(path). Read it, then apply it: supabase db push" : "\(path) says the same already; it stays."
        )
    }
}
