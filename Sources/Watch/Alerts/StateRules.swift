internal import Journal
internal import Model
internal import Settings

/// Rules about how things stand.
extension AlertRules {
    var stubbornJobs: [String: Finding] {
        guard let attempts = settings.alerts.attempts else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: figures.stubborn.map { name, count in
                let key = AlertKey.Rule.stubborn.key(name)
                return (
                    key,
                    .trouble(
                        NewAlert(
                            key: key, title: "Jobs for \(name) fail again and again",
                            detail: "\(Self.count(count, "job has", "jobs have")) failed more than \(attempts) times "
                                + "over five minutes or longer and will be tried again. "
                                + "`throughline jobs list --destination \(name)` shows what waits, with the "
                                + "destination's words.", at: now))
                )
            })
    }

    var deadLetters: [String: Finding] {
        guard settings.alerts.tellsDead else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: figures.dead.map { name, count in
                let key = AlertKey.Rule.dead.key(name)
                return (
                    key,
                    .trouble(
                        NewAlert(
                            key: key, title: "\(name) has dead letters",
                            detail:
                                "\(Self.count(count, "job was given up and waits", "jobs were given up and wait")) for a person. "
                                + "`throughline dead list --destination \(name)` groups them by cause; when it is "
                                + "gone, `throughline dead replay --destination \(name)` sends them again.",
                            severity: .critical, at: now))
                )
            })
    }

    /// Jobs that nothing works, because their destination was taken out of the configuration or renamed.
    var strandedJobs: [String: Finding] {
        let known = Set(settings.destinations.map(\.name))
        return Dictionary(
            uniqueKeysWithValues: figures.destinations.filter { !known.contains($0) }.map { name in
                let key = AlertKey.Rule.stranded.key(name)
                return (
                    key,
                    .trouble(
                        NewAlert(
                            key: key, title: "Jobs wait for \(name), which the configuration does not name",
                            detail: "Nothing works them. Put \(name) back into `destinations` and reload, or give them "
                                + "up with `throughline jobs cancel --destination \(name)`.",
                            severity: .critical, at: now))
                )
            })
    }

    var oldSecrets: [String: Finding] {
        guard let age = settings.alerts.rotateSecrets else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: figures.secrets.filter { now - $0.since > age }.map { secret in
                let key = AlertKey.Rule.secret.key(secret.name)
                let days = (now - secret.since).components.seconds / 86_400
                return (
                    key,
                    .trouble(
                        NewAlert(
                            key: key, title: "The secret \(secret.name) is due for rotation",
                            detail: "It has been the same for \(days) days at least. Make a new one at its provider, "
                                + "put it into the environment and reload; a source takes the old one beside it until "
                                + "its senders have changed.", at: secret.since + age))
                )
            })
    }

    var mismatches: [String: Finding] {
        guard let least = settings.alerts.reconciled else { return [:] }
        var findings: [String: Finding] = [:]
        for match in matches where match.total > 0 {
            let key = AlertKey.Rule.mismatch.key(match.source)
            let share = Double(match.matched) / Double(match.total)
            guard share < least else {
                findings[key] = .fine
                continue
            }
            findings[key] = .trouble(
                NewAlert(
                    key: key, title: "Only \(Self.percent(share)) of \(match.source) agree with the journal",
                    detail: "\(match.total - match.matched) of \(match.total) differ. "
                        + "`throughline reconcile list` has the run, `throughline reconcile show ID --open` names each "
                        + "difference, `throughline reconcile repair ID` mends them.",
                    severity: .critical, at: now))
        }
        return findings
    }

    var silentSources: [String: Finding] {
        guard let expected = settings.alerts.silentSource else { return [:] }
        var findings: [String: Finding] = [:]
        for source in settings.sources {
            let key = AlertKey.Rule.silent.key(source.name)
            guard let hours = figures.arrivals[source.name], let rhythm = Rhythm(hours, now: now) else {
                // Silent for longer than arrivals are kept: it has not spoken again.
                findings[key] = .lingering
                continue
            }
            guard rhythm.missed >= expected else {
                findings[key] = rhythm.silentHours == 0 ? .fine : .lingering
                continue
            }
            findings[key] = .trouble(
                NewAlert(
                    key: key, title: "\(source.name) has fallen silent",
                    detail: "Nothing has come from it since \(rhythm.since); by its own rhythm at least "
                        + "\(rhythm.missed) deliveries were to come. Look at the sender: is it switched off, does it "
                        + "still have this address, does it get errors?", severity: .critical, at: now))
        }
        return findings
    }

    static func count(_ count: Int, _ one: String, _ many: String) -> String {
        count >= Cost.jobsMax ? "\(count) or more \(many)" : "\(count) \(count == 1 ? one : many)"
    }
}

/// How much a source says at this time of its week, against what it says now.
///
/// A shop that sleeps at night is not silent at night: what is missed is what came in the same hours of the weeks
/// before, the least of them. Where no whole week is known yet, days stand for weeks, two at least.
struct Rhythm: Sendable, Hashable {
    /// The end of the last hour in which something came.
    var since: Instant
    /// Whole hours without anything.
    var silentHours: Int
    /// What was to come in them.
    var missed: Int

    private static let hour: Duration = .seconds(3600)
    private static let week = 7 * 24

    /// Nil where nothing has come for as long as arrivals are known.
    init?(_ hours: [Instant: Int], now: Instant) {
        let heard = hours.filter { $0.value > 0 }.keys
        guard let first = heard.min(), let last = heard.max() else { return nil }
        since = last + Self.hour
        let current = Tally.Kind.arrival.start(of: now)
        silentHours = max(0, Int((current - since).components.seconds / 3600))
        // Beyond a week it would be compared with its own silence.
        let window = min(silentHours, Self.week)
        guard window > 0 else {
            missed = 0
            return
        }
        let (from, before) = (since, Int((since - first).components.seconds / 3600))
        func came(_ shift: Int) -> Int {
            (0..<window).reduce(0) { $0 + (hours[from + Self.hour * ($1 - shift)] ?? 0) }
        }
        let weeks = (1...3).map { $0 * Self.week }.filter { $0 <= before }
        if !weeks.isEmpty {
            missed = weeks.map(came).min() ?? 0
        } else {
            let days = stride(from: 24, through: 6 * 24, by: 24).filter { $0 <= before && $0 >= window }
            missed = days.count >= 2 ? days.map(came).min() ?? 0 : 0
        }
    }
}
