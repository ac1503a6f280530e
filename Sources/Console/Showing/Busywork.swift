internal import Journal
internal import Model
internal import Settings

/// What was done without a person, and how long a person would have taken.
///
/// Pure.
struct Busywork: Sendable {
    struct Line: Sendable {
        var call: String
        var count: Int
        var minutes: Double
        /// Whether the minutes are the configuration's own.
        var isSet: Bool
        var hours: Double { Double(count) * minutes / 60 }
    }

    static let days: Int64 = 30

    /// By action over the last `days`, what saved most first.
    let lines: [Line]
    /// Hours of each of those days, the oldest first.
    let hoursByDay: [Double]
    let today: (count: Int, hours: Double)
    let week: (count: Int, hours: Double)
    let month: (count: Int, hours: Double)

    init(_ tallies: [WorkTally], settings: ConsoleSettings, now: Instant) {
        let today = WorkDay(now)
        func sum(since day: WorkDay) -> (count: Int, hours: Double) {
            tallies.filter { $0.day >= day }.reduce(into: (count: 0, hours: 0)) { sum, tally in
                sum.count += tally.completed
                sum.hours += Double(tally.completed) * Self.minutes(of: tally, settings).minutes / 60
            }
        }
        self.today = sum(since: today)
        week = sum(since: today.adding(-6))
        month = sum(since: today.adding(1 - Self.days))
        hoursByDay = (0..<Self.days).reversed().map { back in
            tallies.filter { $0.day == today.adding(-back) }
                .reduce(0) { $0 + Double($1.completed) * Self.minutes(of: $1, settings).minutes / 60 }
        }
        var lines: [String: Line] = [:]
        for tally in tallies where tally.day >= today.adding(1 - Self.days) {
            let call = "\(tally.destination).\(tally.action)"
            let (minutes, isSet) = Self.minutes(of: tally, settings)
            lines[call, default: Line(call: call, count: 0, minutes: minutes, isSet: isSet)].count += tally.completed
        }
        self.lines = lines.values.sorted { ($1.hours, $0.call) < ($0.hours, $1.call) }
    }

    private static func minutes(of tally: WorkTally, _ settings: ConsoleSettings) -> (minutes: Double, isSet: Bool) {
        if let minutes = settings.minutes["\(tally.destination).\(tally.action)"] { return (minutes, true) }
        return (minutes(of: tally.action), false)
    }

    /// What a person takes for it by hand: finding the record, typing it over, and looking at it once more.
    private static func minutes(of action: String) -> Double {
        switch action {
        case "upsert_contact": 3
        case "open_ticket": 6
        case "comment": 3
        case "notify", "set_status": 1
        default: 2
        }
    }

    /// `2.4 hours`, `12 minutes`.
    static func duration(_ hours: Double) -> String {
        if hours < 1 { return Shown.count(Int((hours * 60).rounded()), "minute") }
        let tenths = Int((hours * 10).rounded())
        if tenths == 10 { return "1 hour" }
        return tenths >= 1000 || tenths % 10 == 0
            ? "\(Shown.number(Int(hours.rounded()))) hours" : "\(tenths / 10).\(tenths % 10) hours"
    }

    /// `3`, `2.5`.
    static func plain(_ minutes: Double) -> String {
        minutes == minutes.rounded() ? String(Int(minutes)) : String(Double(Int(minutes * 10)) / 10)
    }
}
