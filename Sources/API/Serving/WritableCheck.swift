package import Journal
internal import Model
package import Seams

/// Whether the journal can be written, asked at most once a second however many want to know.
///
/// The question is a commit on the disk: unbounded, it would let probes slow deliveries down.
package actor WritableCheck {
    static let verdictMax: Duration = .seconds(1)

    private let journal: any OperatingJournal
    private let time: any TimeSource
    private var verdict: (at: Duration, refusal: String?)?
    private var isAsking = false
    private var waiting: [CheckedContinuation<String?, Never>] = []

    package init(journal: any OperatingJournal, time: any TimeSource) {
        self.journal = journal
        self.time = time
    }

    /// Why it cannot be written, as of a second ago at most; nil: it can.
    package func refusal() async -> String? {
        if let verdict, time.uptime - verdict.at < Self.verdictMax { return verdict.refusal }
        if isAsking { return await withCheckedContinuation { waiting.append($0) } }
        isAsking = true
        let refusal = await ask()
        verdict = (time.uptime, refusal)
        isAsking = false
        for one in waiting { one.resume(returning: refusal) }
        waiting = []
        return refusal
    }

    private func ask() async -> String? {
        do {
            try await journal.checkWritable()
            return nil
        } catch {
            return (error as? Failure)?.message ?? "the journal cannot be written"
        }
    }
}
