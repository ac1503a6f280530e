import Intake
import Journal
import Logging
import Model
import Seams
import Synchronization
import TestKit
import Testing

/// Silent: what is logged is not under test here.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite struct `The way into the journal` {
    private let journal = MemoryJournal()
    private let mint = Sender.mint()

    private func arrival(_ id: String) -> Arrival {
        .event(
            Event(
                id: mint.make(), source: "s", externalID: id, externalType: "t",
                type: .chatStarted, occurredAt: Sender.now, receivedAt: Sender.now, data: [:]), payload: [])
    }

    /// Runs the loop while `body` works, then stops it and waits for its end.
    private func running(_ admission: Admission, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await admission.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `answers after the commit, and tells a duplicate`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        try await running(admission) {
            let first = try await admission.submit(arrival("1"))
            guard case .accepted(let id) = first else {
                Issue.record("\(first)")
                return
            }
            #expect(try await admission.submit(arrival("1")) == .duplicate(id))
        }
        #expect(journal.batchSizes == [1, 1])
    }

    @Test func `puts what arrives during a commit into the next one`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        try await running(admission) {
            journal.hold()
            try await withThrowingTaskGroup(of: Appended.self) { group in
                group.addTask { try await admission.submit(arrival("first")) }
                await journal.batches(reach: 1)
                for index in 0..<40 { group.addTask { try await admission.submit(arrival("\(index)")) } }
                // Each of them is in the queue before the first commit ends: the queue is watched through its bound.
                while admission.waitingCount < 40 { await Task.yield() }
                journal.release()
                for try await appended in group {
                    guard case .accepted = appended else { Issue.record("\(appended)"); continue }
                }
            }
        }
        #expect(journal.batchSizes == [1, 40])
    }

    @Test func `commits at most so many at once`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        let count = Limits.intakeBatchMax + 10
        try await running(admission) {
            journal.hold()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await admission.submit(batch: [arrival("first")]) }
                await journal.batches(reach: 1)
                for index in 0..<count { group.addTask { _ = await admission.submit(batch: [arrival("\(index)")]) } }
                while admission.waitingCount < count { await Task.yield() }
                journal.release()
            }
        }
        #expect(journal.batchSizes == [1, Limits.intakeBatchMax, 10])
    }

    @Test func `splits a long list and answers in its order`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        let ids = (0..<Limits.batchEventsMax).map { "\($0 / 2)" }
        try await running(admission) {
            let results = await admission.submit(batch: ids.map(arrival))
            #expect(results.count == ids.count)
            for (index, result) in results.enumerated() {
                let appended = try result.get()
                if case .duplicate = appended { #expect(!index.isMultiple(of: 2)) }
                if case .accepted = appended { #expect(index.isMultiple(of: 2)) }
            }
        }
        #expect(journal.batchSizes.allSatisfy { $0 <= Limits.intakeBatchMax })
    }

    @Test func `refuses what does not fit into its queue, and takes more once there is room`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        journal.hold()
        try await running(admission) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await admission.submit(arrival("first")) }
                await journal.batches(reach: 1)
                for index in 0..<Limits.intakeQueueMax {
                    group.addTask { _ = try await admission.submit(arrival("\(index)")) }
                }
                while admission.waitingCount < Limits.intakeQueueMax { await Task.yield() }
                let failure = await #expect(throws: Failure.self) { try await admission.submit(arrival("more")) }
                #expect(failure?.code == .overloaded)
                journal.release()
                try await group.waitForAll()
            }
            _ = try await admission.submit(arrival("more"))
        }
        #expect(journal.eventCount == Limits.intakeQueueMax + 2)
    }

    @Test func `lets nobody in while the first one waits too long, and takes more once it does not`() async throws {
        let time = ManualTime()
        let admission = Admission(journal: journal, logger: silent, time: time)
        journal.hold()
        try await running(admission) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await admission.submit(arrival("in the commit")) }
                await journal.batches(reach: 1)
                group.addTask { _ = try await admission.submit(arrival("first in the queue")) }
                while admission.waitingCount < 1 { await Task.yield() }
                time.advance(by: Limits.intakeWaitMax)
                group.addTask { _ = try await admission.submit(arrival("just in time")) }
                while admission.waitingCount < 2 { await Task.yield() }
                time.advance(by: .milliseconds(1))
                let failure = await #expect(throws: Failure.self) { try await admission.submit(arrival("too late")) }
                #expect(failure?.code == .overloaded)
                journal.release()
                try await group.waitForAll()
            }
            _ = try await admission.submit(arrival("too late"))
        }
        #expect(journal.eventCount == 4)
    }

    @Test func `acknowledges nothing of a batch that the journal could not write, and goes on`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        try await running(admission) {
            journal.breakDown(true)
            let failure = await #expect(throws: Failure.self) { try await admission.submit(arrival("1")) }
            #expect(failure?.code == .unavailable)
            journal.breakDown(false)
            guard case .accepted = try await admission.submit(arrival("1")) else {
                Issue.record("it was not accepted")
                return
            }
        }
    }

    @Test func `keeps what waits when it is stopped, and takes nothing more`() async throws {
        let admission = Admission(journal: journal, logger: silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<10 { group.addTask { _ = try await admission.submit(arrival("\(index)")) } }
            while admission.waitingCount < 10 { await Task.yield() }
            let loop = Task { try await admission.run() }
            loop.cancel()
            try await loop.value
            try await group.waitForAll()
        }
        #expect(journal.eventCount == 10)
        let failure = await #expect(throws: Failure.self) { try await admission.submit(arrival("late")) }
        #expect(failure?.code == .unavailable)
    }

    @Test func `tells how many new events each commit brought`() async throws {
        let told = Mutex<[Int]>([])
        let admission = Admission(journal: journal, logger: silent) { count in told.withLock { $0.append(count) } }
        try await running(admission) {
            _ = await admission.submit(batch: ["1", "2", "1"].map(arrival))
            _ = try await admission.submit(arrival("2"))
        }
        #expect(told.withLock { $0 } == [2, 0])
    }
}
