internal import API
internal import Journal
internal import Model
internal import Settings

/// How things are, in one sentence.
///
/// Pure: everything it says is handed in.
struct StateOfThings: Sendable, Equatable {
    /// Something that needs a person, or soon will.
    struct Trouble: Sendable, Equatable {
        var sentence: String
        /// Where to go on.
        var link: String
    }

    var troubles: [Trouble] = []
    var wellSince: String
    var isWell: Bool { troubles.isEmpty }
    var sentence: String { troubles.first?.sentence ?? "All is well since \(wellSince)" }

    struct Reading {
        var figures: JournalFigures
        var destinations: [DestinationStatus]
        /// Jobs behind each paused destination, as many as were read.
        var waiting: [String: [JobRow]]
        var dead: [DeadGroup]
        var refusals: [RefusedDelivery]
        var readiness: String?
        var wellSince: Instant
        var now: Instant
    }

    init(_ reading: Reading, settings: Settings) {
        wellSince = Shown.moment(reading.wellSince, now: reading.now)
        if let refusal = reading.readiness {
            troubles.append(Trouble(sentence: "Nothing is taken in: \(refusal)", link: "/console/audit"))
        }
        for status in reading.destinations {
            if let trouble = Self.trouble(of: status, reading, settings) { troubles.append(trouble) }
        }
        addDead(reading)
        if reading.figures.quarantined > 0 {
            let count = Shown.count(reading.figures.quarantined, "delivery", "deliveries")
            troubles.append(
                Trouble(
                    sentence:
                        "\(count) could not be read and \(reading.figures.quarantined == 1 ? "waits" : "wait") in "
                        + "quarantine, none lost", link: "/console/quarantine"))
        }
        if let last = reading.refusals.last {
            let count = Shown.count(reading.refusals.count, "delivery was", "deliveries were")
            troubles.append(
                Trouble(
                    sentence: "\(count) refused at the door within the hour, the last at source \(last.source)",
                    link: "/console#door"))
        }
    }

    private mutating func addDead(_ reading: Reading) {
        for group in reading.dead.prefix(3) {
            let kind = reading.destinations.first { $0.name == group.destination }?.kind ?? ""
            let cost = CostWords.ofDead(group.count, kind: kind, destination: group.destination, action: group.action)
            let since = Shown.moment(group.first, now: reading.now)
            troubles.append(Trouble(sentence: "\(cost) since \(since)", link: "/console/dead"))
        }
        let told = reading.dead.prefix(3).reduce(0) { $0 + $1.count }
        if reading.figures.dead > told, told > 0 {
            troubles.append(
                Trouble(
                    sentence: "\(Shown.count(reading.figures.dead - told, "more dead letter"))", link: "/console/dead"))
        } else if reading.figures.dead > 0, told == 0 {
            troubles.append(
                Trouble(
                    sentence: "\(Shown.count(reading.figures.dead, "job")) gave up and \(reading.figures.dead == 1 ? "waits" : "wait") for a replay, none lost",
                    link: "/console/dead"))
        }
    }

    /// Nil where the destination works.
    private static func trouble(of status: DestinationStatus, _ reading: Reading, _ settings: Settings) -> Trouble? {
        let name = Shown.name(ofKind: status.kind, destination: status.name)
        let link = "/console/destinations/\(PercentCoding.encode(status.name))"
        guard let pause = status.pause else {
            guard status.breaker != "closed" else { return nil }
            return Trouble(sentence: "\(name) does not answer; it is tried again by itself", link: link)
        }
        let since = Shown.moment(pause.since, now: reading.now)
        let what =
            switch pause.cause {
            case .credentials: "\(name) refuses the token since \(since)"
            case .blocked: "\(name) cannot take anything since \(since)"
            case .person: "\(name) is paused by a person since \(since)"
            }
        return Trouble(sentence: "\(what): \(waiting(at: status.name, reading, settings))", link: link)
    }

    private static func waiting(at destination: String, _ reading: Reading, _ settings: Settings) -> String {
        let count = (reading.figures.openJobs[destination] ?? [:]).values.reduce(0, +)
        guard count > 0 else { return "nothing waits yet" }
        let jobs = reading.waiting[destination] ?? []
        let words = jobs.count == count ? CostWords.matters(jobs, settings: settings) : Shown.count(count, "job")
        return "\(words) \(count == 1 ? "waits" : "wait"), none lost"
    }
}
