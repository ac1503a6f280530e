import Model
import Supabase

/// Lays the Supabase kit into the product's repository; again as often as one likes.
struct KitLaying {
    private static let settingsFile = "supabase/config.toml"

    struct Report {
        var written: [String] = []
        var unchanged: [String] = []
        /// Files that say something else than this version's; they stay.
        var differing: [String] = []
        /// The functions' tables, where there was no file to put them into.
        var settingsToAdd: String?

        func show(_ terminal: Terminal) {
            for file in written { terminal.line("Wrote \(file)") }
            if !unchanged.isEmpty {
                terminal.line("\(counted(unchanged.count, "file", "files")) of the kit stood there already.")
            }
            for file in differing {
                terminal.line(
                    "\(file) differs from this version's and stays. To take the kit's, move yours away and run this again."
                )
            }
            if let settingsToAdd {
                terminal.line(
                    "There is no \(settingsFile) yet (supabase init makes it). It needs, or run this again then:\n\(settingsToAdd)"
                )
            }
            terminal.line(
                """

                Next, in this repository:
                  supabase db push                      makes the inbox
                  supabase functions deploy             starts the functions
                The secrets of the functions and the login for this server: docs/supabase.md
                """)
        }
    }

    private let folder: ProductFolder

    init(_ folder: ProductFolder) { self.folder = folder }

    func lay(at now: Instant) throws -> Report {
        var report = Report()
        try layInbox(at: now, &report)
        for file in KitFile.functions {
            switch try folder.lay(file) {
            case .written: report.written.append(file.path)
            case .unchanged: report.unchanged.append(file.path)
            case .differs: report.differing.append(file.path)
            }
        }
        if let settings = try folder.text(of: Self.settingsFile) {
            if let missing = FunctionSettings.missing(from: settings) {
                try folder.append((settings.hasSuffix("\n") ? "" : "\n") + missing, to: Self.settingsFile)
                report.written.append("\(Self.settingsFile) (added the functions' tables)")
            }
        } else {
            report.settingsToAdd = FunctionSettings.all
        }
        return report
    }

    /// A migration is never edited: it has run somewhere.
    private func layInbox(at now: Instant, _ report: inout Report) throws {
        let (path, isNew) = try folder.write(migration: KitFile.inboxMigration, named: "throughline_inbox", at: now)
        isNew ? report.written.append(path) : report.unchanged.append(path)
    }
}
