import API
import Foundation
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@testable import Console

@Suite struct `The state of things` {
    private static let settings = Settings(
        product: "Acme",
        flows: [
            Flow(
                id: "new-lead", name: "new lead", on: [.leadCaptured],
                calls: [Flow.Call(destination: "crm", action: "upsert_contact")])
        ])

    private func state(_ change: (inout StateOfThings.Reading) -> Void) -> StateOfThings {
        let figures = JournalFigures(
            pending: 0, openJobs: [:], dead: 0, quarantined: 0, openAlerts: 0, eventsLastHour: 1, completedLastHour: 1,
            deadLastHour: 0, lastEventAt: nil)
        var reading = StateOfThings.Reading(
            figures: figures, destinations: [], waiting: [:], dead: [], refusals: [], readiness: nil,
            wellSince: House.at - .seconds(2880), now: House.at)
        change(&reading)
        return StateOfThings(reading, settings: Self.settings)
    }

    private func job(_ flow: String = "new-lead") -> JobRow {
        JobRow(
            id: JobID(at: House.at, random: (1, 2)), effect: EffectKey(text: "e"), flow: flow, destination: "crm",
            action: "upsert_contact", state: .available, event: EventID(at: House.at, random: (1, 2)), fact: nil,
            subject: SubjectID(at: House.at, random: (1, 2)), attempts: 0, createdAt: House.at)
    }

    @Test func `is one sentence, and the worst comes first`() {
        let well = state { _ in }
        #expect(well.isWell && well.sentence == "All is well since 09:12 UTC")
        let pause = Pause(cause: .credentials, reason: "401", since: House.at - .seconds(60))
        let crm = DestinationStatus(name: "crm", kind: "hubspot", pause: pause, breaker: "closed", running: 0)
        let refused = state { reading in
            reading.destinations = [crm]
            reading.figures.openJobs = ["crm": [.available: 11, .waiting: 1]]
            reading.waiting = ["crm": Array(repeating: job(), count: 12)]
            reading.figures.quarantined = 1
        }
        #expect(refused.sentence == "HubSpot refuses the token since 09:59 UTC: 12 leads wait, none lost")
        #expect(refused.troubles.count == 2 && refused.troubles[0].link == "/console/destinations/crm")
        #expect(refused.troubles[1].sentence == "1 delivery could not be read and waits in quarantine, none lost")
        let many = state { reading in
            reading.destinations = [crm]
            reading.figures.openJobs = ["crm": [.available: 5000]]
            reading.waiting = ["crm": [job()]]
        }
        #expect(many.sentence == "HubSpot refuses the token since 09:59 UTC: 5,000 jobs wait, none lost")
        let mixed = state { reading in
            reading.destinations = [crm]
            reading.figures.openJobs = ["crm": [.available: 2]]
            reading.waiting = ["crm": [job(), job("other")]]
        }
        #expect(mixed.sentence.hasSuffix("2 jobs wait, none lost"))
    }

    @Test func `tells dead letters by what they cost`() {
        let group = DeadGroup(
            destination: "crm", action: "set_payment_status", errorClass: "http_400", error: "e", count: 7,
            first: House.at, last: House.at)
        let state = state { reading in
            reading.dead = [group]
            reading.figures.dead = 9
            reading.destinations = [
                DestinationStatus(name: "crm", kind: "hubspot", pause: nil, breaker: "closed", running: 0)
            ]
        }
        #expect(
            state.troubles.map(\.sentence) == [
                "7 payments are not shown in HubSpot since 10:00 UTC", "2 more dead letters",
            ])
    }
}

@Suite struct `The busywork meter` {
    @Test func `multiplies what was done with the minutes that are set or assumed`() {
        let today = WorkDay(House.at)
        let tallies = [
            WorkTally(day: today, destination: "crm", action: "upsert_contact", completed: 20),
            WorkTally(day: today.adding(-1), destination: "crm", action: "upsert_contact", completed: 20),
            WorkTally(day: today.adding(-10), destination: "desk", action: "open_ticket", completed: 10),
        ]
        let work = Busywork(tallies, settings: ConsoleSettings(minutes: ["desk.open_ticket": 12]), now: House.at)
        #expect(work.today.count == 20 && work.today.hours == 1)
        #expect(work.week.count == 40 && work.week.hours == 2)
        #expect(work.month.count == 50 && work.month.hours == 4)
        #expect(work.lines.map(\.call) == ["crm.upsert_contact", "desk.open_ticket"])
        #expect(work.lines.map(\.isSet) == [false, true])
        #expect(work.hoursByDay.count == 30 && work.hoursByDay.last == 1 && work.hoursByDay[28] == 1)
        #expect(Busywork.duration(0.2) == "12 minutes" && Busywork.duration(2.44) == "2.4 hours")
    }
}
