import ConnectorKit
import Connectors
import Console
import Foundation
import Journal
import Model
import Planning
import Seams
import Settings
import Synchronization

/// The rooms that the console does not know, as it asks for them.
final class ConsoleBackstage: Backstage {
    private let journal: any JournalStore
    private let settings: LiveSettings
    private let connectors: ConnectorSet
    private let world: World
    private let loaded: Mutex<LoadedConfiguration>

    init(
        journal: any JournalStore, settings: LiveSettings, connectors: ConnectorSet, world: World,
        loaded: LoadedConfiguration
    ) {
        self.journal = journal
        self.settings = settings
        self.connectors = connectors
        self.world = world
        self.loaded = Mutex(loaded)
    }

    func reload(_ loaded: LoadedConfiguration) { self.loaded.withLock { $0 = loaded } }

    func action(_ call: Flow.Call) -> CallSketch? {
        connectors.action(call).map { action in
            CallSketch(
                effectClass: action.effectClass.name, required: action.required, defaults: action.defaults)
        }
    }

    func requirements(of destination: String) async -> RequirementSketch {
        guard let connector = connectors[destination] else {
            return RequirementSketch(missing: [], trouble: "It is not in the configuration.")
        }
        let flows = settings.current.flows.filter { $0.calls.contains { $0.destination == destination } }
        let report = await connector.missingRequirements(for: flows, isCreating: false)
        return RequirementSketch(missing: report.missing, trouble: report.trouble?.message)
    }

    func rehearse(_ event: EventID, configuration: String?, asNew: Bool) async throws -> Rehearsed {
        guard let event = try await journal.event(event)?.row.event else {
            throw Failure(.notFound, "There is no event \(event).")
        }
        let (settings, connectors) = try configuration.map(changed) ?? (self.settings.current, self.connectors)
        let rehearsal = Rehearsal(settings: settings, connectors: connectors, mint: world.mint)
        // As new, it is planned at the time when it came: what waits for a field then waited from then on.
        let now = asNew ? event.receivedAt : world.time.now
        return try await journal.rehearse { try rehearsal.run(event, reading: $0, asNew: asNew, now: now) }
    }

    /// That text's settings, with connectors that describe and render but have no secret and are never called.
    private func changed(_ text: String) throws -> (Settings, ConnectorSet) {
        let reading = SettingsFile.read(
            text: text, file: "throughline.yaml", actions: { ConnectorFactory.actionNames(of: $0) })
        guard let settings = reading.settings else {
            throw Failure(
                .invalid, "This configuration has errors:\n" + reading.errors.map(\.description).joined(separator: "\n")
            )
        }
        return (settings, ConnectorSet(ConnectorFactory.make(settings: settings, secrets: { _ in nil }, world: world)))
    }

    func secrets() async throws -> [SecretSketch] {
        let loaded = loaded.withLock { $0 }
        let ages = Dictionary(
            try await journal.secretAges().map { ($0.name, $0.since) }, uniquingKeysWith: { first, _ in first })
        var uses: [SecretReference: [String]] = [:]
        for use in loaded.uses { uses[use.reference, default: []].append(use.key) }
        return uses.map { reference, uses in
            SecretSketch(
                name: reference.description, uses: uses.sorted(), changedAt: ages[reference.description] ?? Self.age(of: reference, in: loaded.folder),
                isThere: loaded.secrets[reference] != nil)
        }.sorted { $0.name < $1.name }
    }

    /// A mounted file knows when it was written; a variable does not.
    private static func age(of reference: SecretReference, in folder: String) -> Instant? {
        guard case .file(let path) = reference else { return nil }
        // A file that cannot be looked at has no age to tell.
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: path.hasPrefix("/") ? path : folder + "/" + path)
        guard let changed = attributes?[.modificationDate] as? Foundation.Date else { return nil }
        return Instant(milliseconds: Int64(changed.timeIntervalSince1970 * 1000))
    }

    func secret(_ reference: SecretReference) -> Redacted<String>? { loaded.withLock { $0.secrets[reference] } }
}
