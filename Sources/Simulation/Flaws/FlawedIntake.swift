internal import Journal
internal import JournalSQLite
internal import Model
internal import Synchronization

/// Intake's journal with one promise broken.
final class FlawedIntake: IntakeJournal {
    enum Kind { case early, deaf, doubling }

    private let journal: SQLiteJournal
    private let kind: Kind
    private let held = Mutex<[Arrival]>([])
    private let copies = Mutex(0)

    init(journal: SQLiteJournal, kind: Kind) {
        self.journal = journal
        self.kind = kind
    }

    func append(_ batch: [Arrival]) async throws -> [Appended] {
        switch kind {
        case .early: return try await appendLater(batch)
        case .deaf:
            do {
                return try await journal.append(batch)
            } catch {
                return batch.map(Self.promise)
            }
        case .doubling: return try await journal.append(batch.map(renamed))
        }
    }

    /// Writes what the call before promised, and promises this.
    private func appendLater(_ batch: [Arrival]) async throws -> [Appended] {
        let earlier = held.withLock { held in
            defer { held = batch }
            return held
        }
        if !earlier.isEmpty { _ = try await journal.append(earlier) }
        return batch.map(Self.promise)
    }

    private static func promise(_ arrival: Arrival) -> Appended {
        switch arrival {
        case .event(let event, _, _): .accepted(event.id)
        case .kept(let kept): .kept(kept.id)
        }
    }

    private func renamed(_ arrival: Arrival) -> Arrival {
        guard case .event(var event, let payload, let replayed) = arrival else { return arrival }
        let number = copies.withLock { copies in
            copies += 1
            return copies
        }
        if number % 5 == 0 { event.externalID += " " }
        return .event(event, payload: payload, replayed: replayed)
    }
}
