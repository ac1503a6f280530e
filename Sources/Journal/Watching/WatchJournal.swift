package import Model

/// What watching reads of the journal and keeps in it.
///
/// One node watches at a time; its writes are refused once another has taken over.
package protocol WatchJournal: Sendable {
    /// Adds to what was counted in those minutes and hours; from any node.
    func addTallies(_ tallies: [Tally]) async throws
    /// Notes which secrets are in use; one whose mark is another than before is new from now on. From any node.
    func noteSecrets(_ secrets: [SecretMark], now: Instant) async throws
    func secretAges() async throws -> [SecretAge]

    /// Whether this node is the one that watches; takes the duty over where nobody does.
    func leadsWatch() async throws -> Bool
    /// All that the rules decide on, of one moment; bounded work however large the journal is.
    func watchFigures(_ windows: WatchWindows, now: Instant) async throws -> WatchFigures
    func cost(of scope: CostScope) async throws -> Cost
    /// Writes all of it in one durable transaction; false, with nothing written, where another node watches by now.
    func write(_ changes: [WatchChange], now: Instant) async throws -> Bool
}

/// Over how long tallies are added up, and over which last part of it too.
package struct WatchWindows: Sendable, Hashable {
    package struct Window: Sendable, Hashable {
        package var whole: Duration
        package var recent: Duration

        package init(whole: Duration, recent: Duration) {
            self.whole = whole
            self.recent = recent
        }
    }

    package var byKind: [Tally.Kind: Window]
    /// Jobs with more attempts than this are told of; at least `attemptsLeast`.
    package var attempts: Int

    /// What the index of stubborn jobs begins behind.
    package static let attemptsLeast = 3
    /// How long ago the first attempt of a stubborn job lies: an outage that has just begun is told of as one.
    package static let stubbornLeast: Duration = .seconds(300)

    package init(byKind: [Tally.Kind: Window], attempts: Int = attemptsLeast) {
        self.byKind = byKind
        self.attempts = max(attempts, Self.attemptsLeast)
    }
}

package struct WatchFigures: Sendable {
    package var sums: [TallySum]
    /// Arrivals by source and hour, for as long as they are kept.
    package var arrivals: [String: [Instant: Int]]
    /// Open jobs with more attempts than the windows say, by destination, counted up to `Cost.jobsMax` together.
    package var stubborn: [String: Int]
    /// Dead letters by destination, counted up to `Cost.jobsMax` each.
    package var dead: [String: Int]
    /// Open alerts, and those of whose end nobody was told.
    package var alerts: [AlertRow]
    /// Open issues, those first that were costed longest ago.
    package var issues: [IssueRow]
    package var silences: [Silence]
    package var secrets: [SecretAge]
    /// The destinations for which open jobs lie here, the first 200 by name.
    package var destinations: [String]
    /// When alerts about destinations that took nothing ended, of late, by key.
    package var recoveries: [String: Instant]

    /// So far back recoveries are told.
    package static let recoveriesKept: Duration = .seconds(3600)
    package static let alertsMax = 500
    package static let issuesMax = 20

    package init(
        sums: [TallySum] = [], arrivals: [String: [Instant: Int]] = [:], stubborn: [String: Int] = [:],
        dead: [String: Int] = [:], alerts: [AlertRow] = [], issues: [IssueRow] = [], silences: [Silence] = [],
        secrets: [SecretAge] = [], destinations: [String] = [], recoveries: [String: Instant] = [:]
    ) {
        self.sums = sums
        self.arrivals = arrivals
        self.stubborn = stubborn
        self.dead = dead
        self.alerts = alerts
        self.issues = issues
        self.silences = silences
        self.secrets = secrets
        self.destinations = destinations
        self.recoveries = recoveries
    }
}

/// Something that watching has decided.
package enum WatchChange: Sendable {
    /// Opens the alert, or refreshes what it says.
    case open(NewAlert)
    case end(key: String)
    /// What an open alert costs now.
    case price(AlertID, String)
    /// Tells people: the event goes onto the street, once for each count of tellings.
    case tell(Notice)
    case cost(IssueID, Cost)
    /// Ends the issue, unless it has failed again since.
    case endIssue(IssueID, lastAt: Instant)
    /// Lets go of tallies and silences that nobody needs any more.
    case tidy
}

/// One thing to tell of an alert.
package struct Notice: Sendable {
    package var alert: AlertID
    /// How often it was told before: a notice that somebody else has told meanwhile is not told.
    package var toldBefore: Int
    package var mark: String
    package var isEnd: Bool
    /// What flows carry to people.
    package var event: Event

    package init(alert: AlertID, toldBefore: Int, mark: String, isEnd: Bool, event: Event) {
        self.alert = alert
        self.toldBefore = toldBefore
        self.mark = mark
        self.isEnd = isEnd
        self.event = event
    }
}

/// A secret by name, and enough of it to see that it was changed; too little to guess it by.
package struct SecretMark: Sendable, Hashable {
    package var name: String
    package var mark: [UInt8]

    package init(name: String, mark: [UInt8]) {
        self.name = name
        self.mark = mark
    }
}

package struct SecretAge: Sendable, Hashable {
    package var name: String
    package var since: Instant

    package init(name: String, since: Instant) {
        self.name = name
        self.since = since
    }
}
