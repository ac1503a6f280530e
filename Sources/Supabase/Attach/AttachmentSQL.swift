package import Model

/// The migrations that tie a table to an event type, and untie it again.
package enum AttachmentSQL {
    private enum Change: String, CaseIterable { case insert, update, delete }

    /// The migration that makes the triggers; the same again changes nothing, another map replaces the old one.
    ///
    /// `attachment` is sound by its own check. What only the database can know stops the migration before anything
    /// is changed.
    package static func attach(_ attachment: TableAttachment, catalogue: EventCatalogue) -> String {
        let plan = SQLText.literal(plan(attachment, shape: catalogue[attachment.type]).encodedText)
        let triggers = Change.allCases.compactMap { change in
            when(change, attachment).map { when in
                """
                create trigger \(SQLText.identifier(triggerName(attachment.type, change)))
                    after \(change) on \(attachment.table.sql)
                    for each row\(when)
                    execute function throughline.tell(
                        \(plan));
                """
            }
        }
        return """
            -- Makes changes of the table \(attachment.table) the event \(attachment.type): \(summary(attachment.changes)).
            -- The event is written in the transaction that changes the row: both are kept, or neither is.
            -- Nothing else of the table changes. To undo it: throughline supabase detach

            \(checks(attachment))

            \(drops(attachment.table, attachment.type))

            \(triggers.joined(separator: "\n\n"))

            """
    }

    /// The migration that takes the triggers away; events that wait in the inbox stay there.
    package static func detach(_ table: TableName, type: EventType) -> String {
        """
        -- Changes of the table \(table) make no event \(type) any more. What waits in the inbox is still taken.

        \(drops(table, type))

        """
    }

    /// Whether a type could bear that name.
    package static func isTypeName(_ text: String) -> Bool {
        (1...SQLText.nameLengthMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    // MARK: Parts

    /// What `throughline.tell` is told of the table.
    private static func plan(_ attachment: TableAttachment, shape: EventShape?) -> JSONValue {
        func kind(_ field: String) -> FieldKind? { shape?.fields.first { $0.name == field }?.kind }
        func fields(_ kinds: Set<FieldKind>) -> JSONValue? {
            let names = attachment.fields.map(\.name).filter { kind($0).map(kinds.contains) ?? false }
            return names.isEmpty ? nil : .array(names.map { .string($0) })
        }
        var plan: JSONObject = [
            "type": .string(attachment.type.name), "table": .string(attachment.table.description),
            "key": .array(attachment.key.map { .string($0) }),
            "map": object(attachment.fields.map { ($0.name, .string($0.column)) }),
        ]
        plan["text"] = fields([.text, .message, .id, .email, .currency])
        plan["time"] = fields([.time])
        plan["version"] = attachment.version.map { .string($0) }
        plan["session"] = attachment.session.map { .string($0) }
        plan["user"] = attachment.user.map { .string($0) }
        plan["occurred_at"] = attachment.occurredAt.map { .string($0) }
        if !attachment.fixed.isEmpty { plan["set"] = object(attachment.fixed.map { ($0.name, $0.value) }) }
        return .object(plan)
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(JSONObject(members: members.map { .init(key: $0.0, value: $0.1) }))
    }

    /// The condition of the trigger for a kind of change; nil where that kind is not told.
    private static func when(_ change: Change, _ attachment: TableAttachment) -> String? {
        switch change {
        case .insert: return attachment.changes.insert ? "" : nil
        case .delete: return attachment.changes.delete ? "" : nil
        case .update:
            let columns: [String]
            switch attachment.changes.update {
            case nil: return nil
            case .carried: columns = attachment.carried
            case .columns(let names): columns = names
            }
            // As text: types like json and point cannot be compared, and a comparison must not refuse the row.
            let differences = columns.map(SQLText.identifier).map { "old.\($0)::text is distinct from new.\($0)::text" }
            return differences.isEmpty ? "" : "\n    when (\(differences.joined(separator: "\n        or ")))"
        }
    }

    private static func drops(_ table: TableName, _ type: EventType) -> String {
        Change.allCases.map {
            "drop trigger if exists \(SQLText.identifier(triggerName(type, $0))) on \(table.sql);"
        }.joined(separator: "\n")
    }

    /// Asks the database what only it knows, and stops with what to do where the answer is no.
    private static func checks(_ attachment: TableAttachment) -> String {
        let table = SQLText.literal(attachment.table.sql)
        func list(_ names: [String]) -> String {
            "array[" + names.map(SQLText.literal).joined(separator: ", ") + "]::name[]"
        }
        let body = """
            declare
                attached constant regclass := to_regclass(\(table));
                missing text;
            begin
                if to_regprocedure('throughline.tell()') is null then
                    raise exception 'There is no inbox in this database.'
                        using hint = 'Run the migration that `throughline init --supabase` wrote (*_throughline_inbox.sql) first.';
                end if;
                if attached is null or (select relkind from pg_class where oid = attached) not in ('r', 'p') then
                    raise exception 'There is no table %.', \(table);
                end if;
                select string_agg(name, ', ') into missing from unnest(\(list(attachment.columns))) as named (name)
                where not exists (
                    select from pg_attribute where attrelid = attached and attname = name and attnum > 0 and not attisdropped);
                if missing is not null then
                    raise exception 'The table % has no column %.', \(table), missing;
                end if;
                if not exists (
                    select from pg_index where indrelid = attached and indisunique and indpred is null and indexprs is null
                        and \(list(attachment.key)) @> array(
                            select attname from pg_attribute
                            where attrelid = attached and attnum = any (indkey[0:indnkeyatts - 1]))
                ) then
                    raise exception 'The columns of the key (%) do not tell one row of % from another.',
                        array_to_string(\(list(attachment.key)), ', '), \(table)
                        using hint = 'Name the columns of the primary key with --key.';
                end if;
            end
            """
        return "do " + SQLText.dollarQuoted(body, tag: "check") + ";"
    }

    private static func summary(_ changes: RowChanges) -> String {
        var parts: [String] = []
        if changes.insert { parts.append("a new row") }
        switch changes.update {
        case nil: break
        case .carried: parts.append("a change of what the event carries")
        case .columns(let names): parts.append("a change of \(names.joined(separator: ", "))")
        }
        if changes.delete { parts.append("a row's end") }
        return parts.joined(separator: "; ")
    }

    /// `throughline_lead_captured_insert`, within what Postgres allows a name.
    private static func triggerName(_ type: EventType, _ change: Change) -> String {
        let name = "throughline_\(type.name)_\(change)"
        guard name.utf8.count > SQLText.nameLengthMax else { return name }
        // Names of types are ASCII, so bytes are characters.
        let digest = type.name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let room = SQLText.nameLengthMax - "throughline___\(change)".utf8.count - 8
        return "throughline_\(type.name.prefix(room))_\(String(digest, radix: 16))_\(change)"
    }
}
