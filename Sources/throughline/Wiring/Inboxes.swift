import API
import Intake
import JournalPostgres
import Logging
import Model
import Seams
import Settings
import Watch

extension Installation {
    /// A drain for each source of kind `inbox`; nothing is connected to yet.
    func drains(_ loaded: LoadedConfiguration) throws -> [InboxDrain] {
        try loaded.settings.sources.compactMap { source in
            guard case .inbox(let url) = source.kind, let address = loaded.secrets[url] else { return nil }
            let watch = InboxWatch(
                source: source.name, meters: dependencies.meters, journal: journal, time: world.time, logger: logger)
            return InboxDrain(
                source: source.name,
                table: try PostgresInbox(source: source.name, url: address, time: world.time),
                intake: intake, time: world.time, logger: logger, report: { await watch.note($0) })
        }
    }
}
