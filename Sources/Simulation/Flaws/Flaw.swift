internal import Journal
internal import JournalSQLite

/// A bug that is planted in the journal's promises, to show that the checkers find it.
///
/// The engine itself stays as it is: a flaw stands between a room and the journal, on the wire or under the journal.
package struct Flaw: Sendable {
    /// The parts of the journal as each room gets it.
    struct Journals {
        var intake: any IntakeJournal
        var planning: any PlanningJournal
        var work: any WorkJournal
    }

    package var name: String
    package var summary: String
    /// What is wrong with the way to the providers.
    var wire: FlawedWire.Kind?
    /// Whether a commit does not wait for the disk.
    var skipsSyncs = false
    var plant: @Sendable (SQLiteJournal, inout Journals) -> Void = { _, _ in }

    static func journals(_ journal: SQLiteJournal, with flaw: Flaw?) -> Journals {
        var journals = Journals(intake: journal, planning: journal, work: journal)
        flaw?.plant(journal, &journals)
        return journals
    }

    package static func named(_ name: String) -> Flaw? { all.first { $0.name == name } }

    package static let all: [Flaw] = [
        Flaw(name: "ack-before-commit", summary: "an event is acknowledged first and written a moment later") {
            $1.intake = FlawedIntake(journal: $0, kind: .early)
        },
        Flaw(name: "ack-failed-commit", summary: "a commit that failed is acknowledged all the same") {
            $1.intake = FlawedIntake(journal: $0, kind: .deaf)
        },
        Flaw(name: "duplicate-is-new", summary: "the same event delivered twice is two events") {
            $1.intake = FlawedIntake(journal: $0, kind: .doubling)
        },
        Flaw(name: "plan-forgets", summary: "now and then a planned event leaves no jobs") {
            $1.planning = FlawedPlanning(journal: $0, kind: .forgetting)
        },
        Flaw(name: "plan-repeats", summary: "an effect is planned again by each event of its fact") {
            $1.planning = FlawedPlanning(journal: $0, kind: .repeating)
        },
        Flaw(name: "lane-open", summary: "the jobs of one subject do not wait for one another") {
            $1.planning = FlawedPlanning(journal: $0, kind: .unordered)
        },
        Flaw(name: "no-fencing", summary: "a settlement with an old token is taken for the current one") {
            $1.work = FlawedWork(journal: $0, kind: .unfenced)
        },
        Flaw(name: "attempt-forgotten", summary: "nobody remembers that an earlier attempt may have happened") {
            $1.work = FlawedWork(journal: $0, kind: .careless)
        },
        Flaw(name: "request-not-kept", summary: "a request is rendered anew for each attempt under one key") {
            $1.work = FlawedWork(journal: $0, kind: .rendering)
        },
        Flaw(name: "lane-released-early", summary: "a job that will be retried lets its lane go on meanwhile") {
            $1.work = FlawedWork(journal: $0, kind: .hasty)
        },
        Flaw(name: "retry-after-permanent", summary: "what the destination refused for good is tried again") {
            $1.work = FlawedWork(journal: $0, kind: .stubborn)
        },
        Flaw(name: "settlement-lost", summary: "now and then the end of an attempt is not written") {
            $1.work = FlawedWork(journal: $0, kind: .losing)
        },
        Flaw(name: "rescue-forgotten", summary: "jobs that ran when the process died stay as they are") {
            $1.work = FlawedWork(journal: $0, kind: .unrescued)
        },
        Flaw(name: "pause-forgotten", summary: "a pause does not outlive the process") {
            $1.work = FlawedWork(journal: $0, kind: .restless)
        },
        Flaw(name: "alert-never-ends", summary: "an alert stays open when its cause is gone") {
            $1.work = FlawedWork(journal: $0, kind: .alarmed)
        },
        Flaw(name: "claims-too-many", summary: "more jobs are claimed for a destination than it takes at a time") {
            $1.work = FlawedWork(journal: $0, kind: .greedy)
        },
        Flaw(name: "state-remembered", summary: "a subject's state is read once and never again") {
            $1.work = FlawedWork(journal: $0, kind: .forgetful)
        },
        Flaw(name: "sync-skipped", summary: "a commit is acknowledged before it is on the disk", skipsSyncs: true),
        Flaw(name: "wire-repeats", summary: "the HTTP client sends a request again by itself", wire: .repeats),
        Flaw(name: "silence-is-success", summary: "a call without an answer is taken for done", wire: .trusts),
    ]
}
