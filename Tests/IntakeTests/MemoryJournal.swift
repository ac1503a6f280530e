import Journal
import Model
import Synchronization

/// Keeps arrivals in memory as a journal would: one event per (source, external id), kept deliveries once.
final class MemoryJournal: IntakeJournal {
    struct State {
        var batches: [[Arrival]] = []
        var events: [String: EventID] = [:]
        var kept: [String: QuarantineID] = [:]
        var isBroken = false
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        /// Who waits for a number of batches to have arrived.
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    struct DiskFull: Error {}

    let state = Mutex(State())

    var batchSizes: [Int] { state.withLock { $0.batches.map(\.count) } }
    var eventCount: Int { state.withLock { $0.events.count } }

    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    func breakDown(_ isBroken: Bool) { state.withLock { $0.isBroken = isBroken } }

    func batches(reach count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state -> Bool in
                if state.batches.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func append(_ batch: [Arrival]) async throws -> [Appended] {
        let ready = state.withLock { state in
            state.batches.append(batch)
            let ready = state.watchers.filter { $0.count <= state.batches.count }
            state.watchers.removeAll { $0.count <= state.batches.count }
            return ready
        }
        for watcher in ready { watcher.continuation.resume() }
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state -> Bool in
                if state.isHeld { state.held.append(continuation) }
                return state.isHeld
            }
            if !isHeld { continuation.resume() }
        }
        return try state.withLock { state in
            if state.isBroken { throw DiskFull() }
            return batch.map { Self.keep($0, in: &state) }
        }
    }

    private static func keep(_ arrival: Arrival, in state: inout State) -> Appended {
        switch arrival {
        case .event(let event, _, _):
            let key = "\(event.source)/\(event.externalID)"
            if let known = state.events[key] { return .duplicate(known) }
            state.events[key] = event.id
            return .accepted(event.id)
        case .kept(let delivery):
            let key = "\(delivery.source)/\(delivery.kind)/\(delivery.externalID)"
            let id = state.kept[key] ?? delivery.id
            state.kept[key] = id
            return .kept(id)
        }
    }
}
