import Journal
import Logging
import Model
import Synchronization
import TestKit
import Testing

@testable import Watch

@Suite struct `What is counted` {
    @Test func `write Prometheus text`() {
        let meters = Meters()
        meters.countDelivery(source: "stripe", status: 200)
        meters.countDelivery(source: "stripe", status: 200)
        meters.recordAcknowledgement(.milliseconds(3))
        meters.recordAcknowledgement(.seconds(60))
        meters.countAttempt(destination: "crm\"\n", action: "note", outcome: "succeeded", .milliseconds(40))
        meters.countAttempt(destination: "crm\"\n", action: "note", outcome: "not_made", nil)
        meters.countJob(destination: "crm\"\n", action: "note", state: "completed")
        let figures = JournalFigures(
            pending: 4, openJobs: ["crm": [.dead: 1]], dead: 1, quarantined: 2, openAlerts: 0, eventsLastHour: 0,
            completedLastHour: 0, deadLastHour: 0, lastEventAt: nil, oldestPendingAt: Make.at)
        let text = MetricsText.render(
            meters.snapshot, figures: figures,
            destinations: [
                DestinationMeter(name: "crm", isPaused: true, isBreakerOpen: false, running: 3),
                DestinationMeter(name: "app", isPaused: false, isBreakerOpen: true, running: 0),
            ], residentBytes: 4096, now: Make.after(1500), isJournalReadable: true)
        for line in [
            #"throughline_deliveries_total{source="stripe",status="200"} 2"#,
            #"throughline_ack_seconds_bucket{le="0.002"} 0"#, #"throughline_ack_seconds_bucket{le="0.005"} 1"#,
            #"throughline_ack_seconds_bucket{le="30.0"} 1"#, #"throughline_ack_seconds_bucket{le="+Inf"} 2"#,
            "throughline_ack_seconds_count 2", "throughline_pending_events 4",
            #"throughline_attempts_total{action="note",destination="crm\"\n",outcome="succeeded"} 1"#,
            #"throughline_attempts_total{action="note",destination="crm\"\n",outcome="not_made"} 1"#,
            #"throughline_jobs_ended_total{action="note",destination="crm\"\n",state="completed"} 1"#,
            #"throughline_attempt_seconds_bucket{destination="crm\"\n",le="0.05"} 1"#,
            #"throughline_attempt_seconds_count{destination="crm\"\n"} 1"#,
            "throughline_unplanned_age_seconds 1.5",
            #"throughline_destination_paused{destination="crm"} 1"#,
            #"throughline_destination_paused{destination="app"} 0"#,
            #"throughline_destination_breaker_open{destination="app"} 1"#,
            #"throughline_destination_running_jobs{destination="crm"} 3"#,
            #"throughline_open_jobs{destination="crm",state="dead"} 1"#, "process_resident_memory_bytes 4096",
        ] { #expect(text.contains(line + "\n"), "\(line)") }
    }

    @Test func `fold labels that strangers invent once a family is full`() {
        let meters = Meters()
        for number in 0..<2000 { meters.countJob(destination: "d\(number)", action: "a", state: "dead") }
        let jobs = meters.snapshot.jobs.series
        #expect(jobs.count == CounterFamily.seriesMax + 1)
        #expect(jobs.values.reduce(0, +) == 2000)
    }

    @Test func `tell the 95th percentile by its bucket`() {
        var histogram = Histogram()
        for _ in 0..<95 { histogram.record(.milliseconds(4)) }
        for _ in 0..<5 { histogram.record(.milliseconds(900)) }
        #expect(histogram.quantile(0.95) == .milliseconds(5))
        #expect(histogram.quantile(0.99) == .milliseconds(1000))
        #expect(Histogram().quantile(0.5) == nil)
    }

    @Test func `know the memory of this process`() throws {
        #expect(try #require(ProcessMemory.residentBytes()) > 1 << 20)
    }
}

@Suite struct `A log line` {
    private func line(_ format: RedactingLogHandler.Format, _ log: (Logger) -> Void) -> String {
        let lines = Lines()
        let logger = Logger(label: "test") { label in
            RedactingLogHandler(label: label, format: format, time: ManualTime()) { lines.add($0) }
        }
        log(logger)
        return lines.text
    }

    private final class Lines: Sendable {
        private let all = Mutex("")
        func add(_ line: String) { all.withLock { $0 += line } }
        var text: String { all.withLock { $0 } }
    }

    @Test(arguments: [
        "mail to ada@example.com bounced", "key tl_abcd1234_secretsecret used", "whsec_c2VjcmV0 rotated",
        "Authorization: Bearer abc.def.ghi", "url postgres://joe:hunter2@db/x", "token=sk_live_123abc",
        "https://hooks.slack.com/services/T0/B0/abc", "(xoxb-123-abc)", "user \"ada@example.com\"",
        "called +49 170 5550123 back", "phone=+1-202-555-0123", "card 4242424242424242 declined",
        "card 4242-4242-4242-4242", "GET /x?token=planted123abc&page=2", "password=hunter2", "sk-planted123abc",
        "ghp_planted123abc in the body", "AKIAPLANTED123ABC", "api_key=planted123abc",
    ])
    func `never shows a secret or an address`(message: String) {
        for format in RedactingLogHandler.Format.allCases {
            let text = line(format) { $0.info("\(message)", metadata: ["detail": "\(message)"]) }
            for secret in [
                "ada@", "secretsecret", "c2VjcmV0", "def.ghi", "hunter2", "123abc", "/B0/", "123-abc", "5550123",
                "0123",
                "4242", "123ABC",
            ] {
                #expect(!text.contains(secret))
            }
            #expect(text.contains(Mask.dots))
        }
    }

    @Test(arguments: [
        "job tjb_01k3v7q8p9r0s1t2v3w4x5y6z7 settled in 1795000000000 ms", "route /v1/jobs/{id} answered 200",
        "crm answers 503: a=b, 12 + 30 = 42", "destination=crm outcome=transient", "evt_1Q2w3E4r5T6y7U8i of stripe",
        "event-id 4111111111111112 is no card",
    ])
    func `keeps what says nothing of anybody`(message: String) {
        #expect(Mask.masked(message) == message)
    }

    @Test func `masks a value by the name of its key, and keeps ids`() {
        let text = line(.text) {
            $0.warning("attempt settled", metadata: ["job.id": "tjb_1", "http.authorization": "x", "user.email": "y"])
        }
        #expect(
            text
                == "2026-11-23T10:00:00Z warning attempt settled http.authorization=•••• job.id=tjb_1 user.email=••••\n"
        )
    }

    @Test func `is one line of JSON for machines`() throws {
        let text = line(.json) { $0.info("two\nlines \"quoted\"", metadata: ["a": "b"]) }
        #expect(text.hasSuffix("\n") && text.dropLast().allSatisfy { !$0.isNewline })
        let object = try JSONObject(parsing: Array(text.utf8))
        #expect(object["level"] == "info" && object["message"] == "two\nlines \"quoted\"" && object["a"] == "b")
    }
}
