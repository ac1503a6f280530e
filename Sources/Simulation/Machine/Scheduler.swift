internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Runs everything of a run on one thread: of all that could go on next the dice choose one, and the clock moves only
/// when nothing can.
///
/// `@unchecked Sendable`: but for `foreign`, which is locked, only the thread that made it touches it.
final class Scheduler: @unchecked Sendable {
    /// A piece of a task or of the journal's work.
    enum Piece: Sendable {
        case task(UnownedJob, LifeExecutor)
        case journal(UnownedJob, JournalExecutor)
    }

    /// Something that can go on.
    private enum Work {
        case piece(Piece)
        /// Something outside the engine.
        case world(() -> Void)
    }

    private struct Alarm {
        var at: Int64
        var number: Int
        var action: () -> Void
    }

    let dice: Dice
    let trace: Trace
    /// Milliseconds since the run began.
    private(set) var uptime: Int64 = 0
    private(set) var steps = 0
    private var ready: [Work] = []
    private var alarms: [Alarm] = []
    private var number = 0
    private let thread = pthread_self()
    private let foreign = Mutex<[Piece]>([])
    /// How often work came from another thread: never, in a run that can be repeated.
    private let foreignCount = Mutex(0)

    init(dice: Dice, trace: Trace) {
        self.dice = dice
        self.trace = trace
    }

    // MARK: What could go on

    /// Work from another thread (a library's own task) waits until nothing of ours is left, and fails the run: nobody
    /// can say when it comes.
    func add(_ piece: Piece) {
        if pthread_equal(pthread_self(), thread) != 0 {
            ready.append(.piece(piece))
        } else {
            foreignCount.withLock { $0 += 1 }
            foreign.withLock { $0.append(piece) }
        }
    }

    /// Does something outside the engine after that time.
    func after(_ milliseconds: Int64, _ action: @escaping () -> Void) {
        number += 1
        push(Alarm(at: uptime + max(0, milliseconds), number: number, action: action))
    }

    var piecesFromElsewhere: Int { foreignCount.withLock { $0 } }

    // MARK: Going on

    /// One step; false where nothing will ever happen again.
    func step() -> Bool {
        while ready.isEmpty {
            guard let next = alarms.first?.at else { return false }
            uptime = max(uptime, next)
            // All that falls due now could go first.
            while let due = alarms.first, due.at <= uptime {
                pop()
                ready.append(.world(due.action))
            }
        }
        let choice = dice.below(ready.count)
        trace.mark(choice)
        run(take(choice))
        return true
    }

    /// Runs what can go on now without moving the clock, in no order that matters.
    ///
    /// `isOver` ends it; what comes from other threads is waited for until then, for at most `patience` seconds.
    func settle(patience: Int = 10, until isOver: () -> Bool) -> Bool {
        var idle = 0
        while !isOver() {
            if !ready.isEmpty {
                run(take(0))
            } else if let piece = foreign.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                run(.piece(piece))
            } else {
                idle += 1
                guard idle < patience * 10_000 else { return false }
                usleep(100)
            }
        }
        return true
    }

    private func take(_ index: Int) -> Work {
        let last = ready.count - 1
        if index < last { ready.swapAt(index, last) }
        return ready.removeLast()
    }

    private func run(_ work: Work) {
        steps += 1
        switch work {
        case .piece(.task(let job, let executor)): job.runSynchronously(on: executor.asUnownedTaskExecutor())
        case .piece(.journal(let job, let executor)): job.runSynchronously(on: executor.asUnownedSerialExecutor())
        case .world(let action): action()
        }
    }

    // MARK: Alarms, the earliest first (a binary heap)

    private func push(_ alarm: Alarm) {
        alarms.append(alarm)
        var child = alarms.count - 1
        while child > 0, isEarlier(child, (child - 1) / 2) {
            alarms.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func pop() {
        alarms.swapAt(0, alarms.count - 1)
        alarms.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < alarms.count && isEarlier(child, least) {
                least = child
            }
            guard least != parent else { return }
            alarms.swapAt(parent, least)
            parent = least
        }
    }

    private func isEarlier(_ one: Int, _ other: Int) -> Bool {
        (alarms[one].at, alarms[one].number) < (alarms[other].at, alarms[other].number)
    }
}

/// Where the engine's tasks run.
final class LifeExecutor: TaskExecutor, Sendable {
    private let scheduler: Scheduler

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    func enqueue(_ job: consuming ExecutorJob) { scheduler.add(.task(UnownedJob(job), self)) }
}

/// Where the journal's work runs.
final class JournalExecutor: SerialExecutor, Sendable {
    private let scheduler: Scheduler

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    func enqueue(_ job: consuming ExecutorJob) { scheduler.add(.journal(UnownedJob(job), self)) }
}
