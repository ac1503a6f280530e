internal import ConnectorKit
internal import Journal
internal import Model
internal import Settings

/// All that the runner's tasks share: the desks, what has ended and is not settled yet, what is to be told the journal.
///
/// It decides and never acts: the runner acts when the lock is released.
struct RunnerState: Sendable {
    /// Something about a destination that the journal has to be told, in order.
    enum Chore: Sendable, Hashable {
        case pause(Pause?)
        case openAlert(NewAlert)
        case endAlert(key: String)
    }

    struct Errand: Sendable, Hashable {
        var destination: String
        var chore: Chore
    }

    /// A moment on both clocks: the wall's for the journal, the steady one for waits.
    struct Now: Sendable {
        var instant: Instant
        var uptime: Duration
    }

    struct Place: Sendable {
        var desk: DestinationDesk
        var kind: String
        /// False where a reload took it out of the configuration and calls are still under way.
        var isConfigured = true
        /// Keys of alerts that may be open; at start any, since an earlier run may have opened them.
        var alerts: Set<String>
        var isToldUnreachable = false
        var lastSuccessAt: Instant?
        var lastTroubleAt: Instant?
    }

    /// How long a breaker may be open before people are told.
    static let unreachableAfter: Duration = .seconds(60)

    private(set) var places: [String: Place] = [:]
    private var settlements: [Settlement] = []
    private var errands: [Errand] = []
    var isStopping = false
    var unknownEnds: UnknownEnds
    /// What is believed of pauses may not be what the journal holds: at start, and after a change that failed.
    var arePausesInDoubt = true
    /// How often a person has paused or resumed something.
    private(set) var pauseChanges = 0
    private var lease: Lease
    /// How many nodes share what each destination takes.
    private var workers = 1

    init(at uptime: Duration) {
        unknownEnds = UnknownEnds(since: uptime)
        lease = Lease(at: uptime)
    }

    var inFlight: Int { places.values.reduce(0) { $0 + $1.desk.inFlight } }
    var hasSettlements: Bool { !settlements.isEmpty }

    // MARK: Configuration

    mutating func adopt(_ destinations: [DestinationSettings], at uptime: Duration) {
        let destinations = destinations.map { NodeShare.share(of: $0, among: workers) }
        let names = Set(destinations.map(\.name))
        for name in places.keys where !names.contains(name) { places[name]?.isConfigured = false }
        places = places.filter { $0.value.isConfigured || $0.value.desk.inFlight > 0 }
        for destination in destinations {
            let name = destination.name
            if places[name] == nil {
                let alerts = [
                    DestinationAlerts.key(name, .credentials), DestinationAlerts.key(name, .blocked),
                    DestinationAlerts.unreachableKey(name),
                ]
                places[name] = Place(
                    desk: DestinationDesk(destination, at: uptime), kind: destination.kind.name, alerts: Set(alerts))
            } else {
                places[name]?.kind = destination.kind.name
                places[name]?.isConfigured = true
                places[name]?.desk.adopt(destination, at: uptime)
            }
        }
    }

    /// Takes over the pauses that the journal holds.
    ///
    /// A pause of ours may still be on its way to the journal; one by a person is written before it is believed.
    mutating func load(_ pauses: [String: Pause], at uptime: Duration) {
        for (name, pause) in pauses where places[name]?.desk.pause != pause {
            places[name]?.desk.paused(pause, at: uptime)
        }
        let untold = Set(errands.filter(\.chore.isPause).map(\.destination))
        for name in places.keys where pauses[name] == nil && places[name]?.desk.pause != nil && !untold.contains(name) {
            places[name]?.desk.resumed()
        }
        arePausesInDoubt = false
    }

    // MARK: Among other nodes

    /// Whether what this node holds is its own still, so that a call may start.
    func mayStart(at uptime: Duration) -> Bool { lease.isValid(at: uptime) }

    /// Pauses that other nodes or their people have ordered are read with each beat.
    mutating func note(_ beat: Beat, sentAt: Duration, _ destinations: [DestinationSettings]) {
        lease.renew(beat.lease, sentAt: sentAt)
        guard beat.lease != nil else { return }
        arePausesInDoubt = true
        guard workers != beat.workers else { return }
        workers = beat.workers
        adopt(destinations, at: sentAt)
    }

    // MARK: Claiming

    mutating func claims(at uptime: Duration) -> [ClaimRequest] {
        guard !isStopping, mayStart(at: uptime) else { return [] }
        return places.keys.sorted().compactMap { name in
            guard places[name]?.isConfigured == true, let limit = places[name]?.desk.capacity(at: uptime), limit > 0
            else { return nil }
            return ClaimRequest(destination: name, limit: limit)
        }
    }

    mutating func took(_ claimed: [ClaimedJob], at uptime: Duration) {
        for (name, jobs) in Dictionary(grouping: claimed, by: \.call.destination) {
            places[name]?.desk.taken(jobs.count, at: uptime)
        }
    }

    /// Until some destination that is shut takes jobs again; zero where one has room now and may have jobs: it gave all
    /// that it was asked for, or had no room yet when the others were asked.
    ///
    /// `asked` says of each that was asked whether it gave all; nil: nobody is to be asked now.
    mutating func nextChange(at uptime: Duration, asked: [String: Bool]?) -> Duration? {
        let asked = isStopping || !mayStart(at: uptime) ? nil : asked
        var next: Duration?
        for name in places.keys where places[name]?.isConfigured == true {
            guard let capacity = places[name]?.desk.capacity(at: uptime) else { continue }
            if capacity > 0 {
                if let asked, asked[name] ?? true { return .zero }
            } else if let change = places[name]?.desk.nextChange(at: uptime) {
                next = min(next ?? change - uptime, change - uptime)
            }
        }
        return next
    }

    // MARK: Endings

    /// Takes what became of an attempt in; the action is for the log.
    mutating func record(_ decision: Settling.Decision, of destination: String, at now: Now) -> DestinationDesk.Action {
        settlements.append(decision.settlement)
        guard var place = places[destination] else { return .none }
        let action = place.desk.finished(decision.ending, limit: decision.limit, at: now.uptime)
        switch decision.ending {
        case .succeeded: place.lastSuccessAt = now.instant
        case .notMade: break
        case .answered, .failed, .slowedDown, .refused: place.lastTroubleAt = now.instant
        }
        places[destination] = place
        switch (action, decision.ending) {
        case (.pause(let cause, let trouble), _): pause(destination, cause, trouble, at: now)
        // One that was under way when the destination paused says nothing about now.
        case (_, .succeeded) where place.desk.pause == nil, (_, .answered) where place.desk.pause == nil:
            endAlerts(of: destination)
        default: break
        }
        return action
    }

    mutating func takeSettlements() -> [Settlement] {
        defer { settlements = [] }
        return settlements
    }

    /// The journal did not take them: they go first the next time.
    mutating func putBack(_ batch: [Settlement]) { settlements.insert(contentsOf: batch, at: 0) }

    // MARK: Pausing

    private mutating func pause(
        _ destination: String, _ cause: Pause.Cause, _ trouble: Verdict.Trouble, at now: Now
    ) {
        let pause = Pause(cause: cause, reason: "\(trouble.errorClass): \(trouble.message)", since: now.instant)
        places[destination]?.desk.paused(pause, at: now.uptime)
        let alert = DestinationAlerts.paused(destination, cause, trouble, at: now.instant)
        places[destination]?.alerts.insert(alert.key)
        add(.pause(pause), for: destination)
        add(.openAlert(alert), for: destination)
    }

    /// A person's pause; what the engine was about to say of this destination is void.
    mutating func pause(_ destination: String, _ pause: Pause, at uptime: Duration) {
        pauseChanges += 1
        errands.removeAll { $0.destination == destination && $0.chore.isPause }
        places[destination]?.desk.paused(pause, at: uptime)
        add(.pause(pause), for: destination)
    }

    /// Ends a pause.
    ///
    /// An alert about the set-up stays until a job has shown that it works now; the others end here.
    mutating func resume(_ destination: String, isForced: Bool) {
        pauseChanges += 1
        errands.removeAll { $0.destination == destination && $0.chore.isPause }
        places[destination]?.desk.resumed()
        add(.pause(nil), for: destination)
        endAlert(DestinationAlerts.key(destination, .credentials), of: destination)
        if isForced { endAlert(DestinationAlerts.key(destination, .blocked), of: destination) }
    }

    mutating func tryNow(_ destination: String, at uptime: Duration) {
        places[destination]?.desk.tryNow(at: uptime)
    }

    // MARK: Probing

    /// Paused destinations that are to be asked now.
    mutating func probesDue(at uptime: Duration) -> [String] {
        guard !isStopping else { return [] }
        return places.keys.sorted().filter { places[$0]?.desk.probing.take(at: uptime) == true }
    }

    /// True where the probe ended the pause.
    mutating func probed(_ destination: String, _ verdict: Verdict) -> Bool {
        guard case .succeeded = verdict, let pause = places[destination]?.desk.pause, pause.cause != .person else {
            return false
        }
        resume(destination, isForced: false)
        return true
    }

    // MARK: Telling

    /// Raises the alert of destinations whose breaker has not been closed for long; one that is paused has its own.
    mutating func noticeUnreachable(at now: Now) {
        for (name, place) in places {
            let key = DestinationAlerts.unreachableKey(name)
            guard let since = place.desk.openSince, now.uptime - since >= Self.unreachableAfter,
                !place.isToldUnreachable, place.desk.pause == nil
            else { continue }
            places[name]?.isToldUnreachable = true
            places[name]?.alerts.insert(key)
            add(.openAlert(DestinationAlerts.unreachable(name, place.desk.lastTrouble, at: now.instant)), for: name)
        }
    }

    private mutating func endAlerts(of destination: String) {
        places[destination]?.isToldUnreachable = false
        for key in places[destination]?.alerts.sorted() ?? [] { endAlert(key, of: destination) }
    }

    private mutating func endAlert(_ key: String, of destination: String) {
        guard places[destination]?.alerts.remove(key) != nil else { return }
        add(.endAlert(key: key), for: destination)
    }

    private mutating func add(_ chore: Chore, for destination: String) {
        errands.append(Errand(destination: destination, chore: chore))
    }

    /// The next thing to tell the journal; it stays first until it is `told`.
    var errand: Errand? { errands.first }

    /// Takes it off; another may stand there by now, when a person acted meanwhile.
    mutating func told(_ errand: Errand) {
        if errands.first == errand { errands.removeFirst() }
    }

    func health(at uptime: Duration) -> [DestinationHealth] {
        places.filter(\.value.isConfigured).map { name, place in
            DestinationHealth(
                name: name, kind: place.kind, pause: place.desk.pause, breaker: place.desk.phase(at: uptime),
                inFlight: place.desk.inFlight, concurrency: place.desk.places, rate: place.desk.rate,
                patience: place.desk.patience(at: uptime),
                nextProbe: place.desk.probing.dueAt.map { max($0 - uptime, .zero) },
                lastTrouble: place.desk.lastTrouble, lastTroubleAt: place.lastTroubleAt,
                lastSuccessAt: place.lastSuccessAt)
        }.sorted { $0.name < $1.name }
    }
}

extension RunnerState.Chore {
    var isPause: Bool { if case .pause = self { true } else { false } }
}
