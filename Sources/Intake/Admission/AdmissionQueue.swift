internal import Journal
internal import Model

/// Arrivals that wait for the next commit: bounded in number and in time, first come first committed.
///
///     open --close--> closed          (nothing more is taken; what waits is still handed out)
struct AdmissionQueue {
    /// One call's arrivals, which are committed together and answered at once.
    struct Entry {
        var arrivals: [Arrival]
        var answer: CheckedContinuation<[Appended], any Error>
        /// Since when it waits (uptime).
        var since: Duration
    }

    enum Next {
        case commit([Entry])
        case wait
        case end
    }

    private enum Phase { case open, closed }

    private var phase = Phase.open
    private var entries: [Entry] = []
    /// Entries before this place are handed out; the list is cut when all are.
    private var head = 0
    private(set) var waitingCount = 0
    /// The committing loop, while it has nothing to do.
    private var idle: CheckedContinuation<Void, Never>?

    /// Takes an entry in, or says why not; returns the loop to wake.
    mutating func add(_ entry: Entry) -> Result<CheckedContinuation<Void, Never>?, Failure> {
        guard phase == .open else {
            return .failure(Failure(.unavailable, "This server is stopping. Send the delivery again in a moment."))
        }
        let waited = head < entries.count ? entry.since - entries[head].since : .zero
        guard waitingCount + entry.arrivals.count <= Limits.intakeQueueMax, waited <= Limits.intakeWaitMax else {
            return .failure(
                Failure(.overloaded, "More arrives than can be written to disk. Send the delivery again in a moment."))
        }
        entries.append(entry)
        waitingCount += entry.arrivals.count
        return .success(takeIdle())
    }

    /// What fits into one commit: whole entries, at least one.
    mutating func next() -> Next {
        guard head < entries.count else { return phase == .open ? .wait : .end }
        var batch: [Entry] = []
        var count = 0
        while head < entries.count {
            let entry = entries[head]
            guard batch.isEmpty || count + entry.arrivals.count <= Limits.intakeBatchMax else { break }
            batch.append(entry)
            count += entry.arrivals.count
            head += 1
        }
        waitingCount -= count
        if head == entries.count {
            entries.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= Limits.intakeBatchMax {
            entries.removeFirst(head)
            head = 0
        }
        return .commit(batch)
    }

    /// Lets the loop sleep; false where there is something to do.
    mutating func sleep(_ loop: CheckedContinuation<Void, Never>) -> Bool {
        guard head == entries.count, phase == .open else { return false }
        idle = loop
        return true
    }

    mutating func close() -> CheckedContinuation<Void, Never>? {
        phase = .closed
        return takeIdle()
    }

    private mutating func takeIdle() -> CheckedContinuation<Void, Never>? {
        defer { idle = nil }
        return idle
    }
}
