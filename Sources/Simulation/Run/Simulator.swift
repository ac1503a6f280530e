internal import JournalSQLite
internal import Model

/// Makes runs, one after the other, on one disk.
package final class Simulator {
    private let disk: SimulatedDisk

    /// Throws where no disk can be made or no journal on it.
    package init() throws {
        disk = try SimulatedDisk()
        try prepare()
    }

    /// An empty journal is made once, and each run begins with a copy of it.
    private func prepare() throws {
        disk.restore(seed: 0)
        let scheduler = Scheduler(dice: Dice(seed: 0), trace: Trace(isSpoken: false))
        let executor = JournalExecutor(scheduler)
        let journal = try SQLiteJournal.open(path: disk.path, executor: executor)
        let closing = Closing()
        Task(executorPreference: LifeExecutor(scheduler)) {
            // A journal that does not close leaves its log behind, which the check below finds.
            try? await journal.close()
            closing.isDone = true
        }
        guard scheduler.settle(until: { closing.isDone }) else {
            throw Failure(.journal, "A journal cannot be made on the simulated disk.")
        }
        disk.keep()
    }

    /// `@unchecked Sendable`: only the simulator's thread touches it.
    private final class Closing: @unchecked Sendable { var isDone = false }

    /// One run; the same seed does the same each time.
    ///
    /// `isSpoken`: the report tells what happened.
    /// `asked`: hazards that a run has in any case.
    package func run(
        seed: UInt64, asked: Set<Hazard> = [], flaw: Flaw? = nil, isSpoken: Bool = false
    ) throws -> RunReport {
        try SimulationRun(seed: seed, disk: disk, asked: asked, flaw: flaw, isSpoken: isSpoken).run()
    }
}
