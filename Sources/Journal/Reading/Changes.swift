package import Model

/// A place in what happens, from which somebody who follows goes on; opaque to who holds it.
package struct ChangeCursor: Sendable, Hashable, CustomStringConvertible {
    /// The last event and the last job that were seen being written.
    package var event: Int64
    package var job: Int64
    /// The last job that was seen ending.
    package var endedAt: Instant
    package var ended: Int64

    package init(event: Int64, job: Int64, endedAt: Instant, ended: Int64 = 0) {
        self.event = event
        self.job = job
        self.endedAt = endedAt
        self.ended = ended
    }

    /// Nil for what no cursor's text is.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) ?? -1 }
        guard parts.count == 4, parts.allSatisfy({ $0 >= 0 }) else { return nil }
        self.init(event: parts[0], job: parts[1], endedAt: Instant(milliseconds: parts[2]), ended: parts[3])
    }

    package var description: String { "\(event).\(job).\(endedAt.milliseconds).\(ended)" }
}

/// Something that happened, with the cursor from which all that came after it is read.
package struct Change: Sendable, Hashable {
    package enum What: Sendable, Hashable {
        case event(EventRow)
        /// Written or ended; its row tells.
        case job(JobRow)
    }

    package var what: What
    package var at: Instant
    package var cursor: ChangeCursor

    package init(_ what: What, at: Instant, cursor: ChangeCursor) {
        self.what = what
        self.at = at
        self.cursor = cursor
    }
}

/// A change as a journal finds it, before it has its place among the others.
package struct FoundChange {
    var seq: Int64
    var at: Instant
    var what: Change.What
    var isEnd: Bool

    package init(seq: Int64, at: Instant, what: Change.What, isEnd: Bool = false) {
        self.seq = seq
        self.at = at
        self.what = what
        self.isEnd = isEnd
    }

    /// Within one moment: events, jobs written, jobs ended.
    var rank: Int {
        if case .event = what { return 0 }
        return isEnd ? 2 : 1
    }

    func advance(_ place: inout ChangeCursor) {
        switch what {
        case .event: place.event = max(place.event, seq)
        case .job where isEnd: (place.endedAt, place.ended) = (at, seq)
        case .job: place.job = max(place.job, seq)
        }
    }
}

extension ChangeCursor {
    /// The oldest of what was found, each with the cursor behind it.
    ///
    /// Each kind goes on at its own place, so that all kinds together can be cut at any one.
    package func cut(_ found: [FoundChange], limit: Int) -> [Change] {
        var place = self
        return found.sorted { ($0.at, $0.rank, $0.seq) < ($1.at, $1.rank, $1.seq) }.prefix(limit).map { one in
            one.advance(&place)
            return Change(one.what, at: one.at, cursor: place)
        }
    }
}
