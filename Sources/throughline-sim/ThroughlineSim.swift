import ArgumentParser
import Model
import Simulation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs the engine on virtual time against a bad world, and checks what an outsider can see.
@main
struct ThroughlineSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughline-sim",
        abstract: "Runs the engine on virtual time, with faults, and checks its promises.",
        discussion: """
            Each run follows from its seed alone. A failure prints the seed, the last that happened, and the command \
            that repeats it.

            EXAMPLES
              throughline-sim --seed 42             one run, telling all that happens
              throughline-sim --runs 10000          seeds 1 to 10000
              throughline-sim --minutes 30 --from 1000000
              throughline-sim --plant no-fencing --runs 1000
            """)

    @Option(help: "One run of this seed, telling all that happens.") var seed: UInt64?
    @Option(help: "So many runs, of seeds one after the other.") var runs: UInt64?
    @Option(help: "Runs for so many minutes.") var minutes: Double?
    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "Plants a bug of that name, which the checkers should find.") var plant: String?
    @Flag(help: "Lists the bugs that can be planted.") var plants = false
    @Option(help: "A hazard that each run has, beside those of its seed.") var with: [String] = []
    @Flag(help: "Goes on after a failure: one line a failed seed, all others run.") var keepGoing = false

    /// How many lines of a failed run are shown.
    private static let linesShown = 40

    private var asked: Set<Hazard> { Set(with.compactMap { Hazard(rawValue: $0) }) }

    func validate() throws {
        if let plant, Flaw.named(plant) == nil {
            throw ValidationError("There is no bug called \(plant). --plants lists them.")
        }
        if let unknown = with.first(where: { Hazard(rawValue: $0) == nil }) {
            throw ValidationError("There is no hazard called \(unknown).")
        }
        if seed != nil, runs != nil || minutes != nil {
            throw ValidationError("--seed is one run. Use --from for where many begin.")
        }
        if let minutes, minutes <= 0 { throw ValidationError("--minutes is a number above 0.") }
    }

    func run() throws {
        try Self.fixHashing()
        if plants {
            for flaw in Flaw.all { print("\(flaw.name)  \(flaw.summary)") }
            return
        }
        let simulator = try Simulator()
        let flaw = plant.flatMap { Flaw.named($0) }
        if let seed {
            let report = try simulator.run(seed: seed, asked: asked, flaw: flaw, isSpoken: true)
            for line in report.lines { print(line) }
            print(summary(of: report))
            if !report.violations.isEmpty { throw ExitCode(1) }
            return
        }
        try runMany(simulator, flaw)
    }

    // MARK: Many

    private func runMany(_ simulator: Simulator, _ flaw: Flaw?) throws {
        let start = ContinuousClock.now
        let end = minutes.map { start + .milliseconds(Int64($0 * 60_000)) }
        let count = runs ?? (end == nil ? 1000 : .max)
        var (done, steps, virtual): (UInt64, Int, Int64) = (0, 0, 0)
        var (shown, failed) = (start, 0)
        while done < count, end.map({ ContinuousClock.now < $0 }) ?? true {
            let report = try simulator.run(seed: from &+ done, asked: asked, flaw: flaw)
            if let broken = report.violations.first {
                guard keepGoing else { return try fail(report.seed, simulator, flaw) }
                failed += 1
                say("seed \(report.seed) BROKEN \(broken.rule): \(broken.text)")
                say("Repeat it: \(command(for: report.seed))")
            }
            (done, steps, virtual) = (done + 1, steps + report.steps, virtual + report.length)
            if ContinuousClock.now - shown > .seconds(isatty(STDOUT_FILENO) != 0 ? 1 : 30) {
                shown = .now
                say("\(done) runs, \(failed == 0 ? "none" : "\(failed)") failed, seed \(from &+ done)")
            }
        }
        let spent = ContinuousClock.now - start
        let rate = Double(done) / max(Double(spent.milliseconds) / 1000, 0.001)
        print(
            "\(done - UInt64(failed)) of \(done) runs held, seeds \(from) to \(from &+ done &- 1): \(steps) steps, "
                + "\(virtual / 3_600_000) virtual hours, \(Int(rate)) runs a second")
        if failed > 0 { throw ExitCode(1) }
    }

    /// Written at once, also where a file or a pipe is read meanwhile.
    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// What repeats the run of this seed exactly.
    private func command(for seed: UInt64) -> String {
        "throughline-sim --seed \(seed)" + (plant.map { " --plant \($0)" } ?? "")
            + with.map { " --with \($0)" }.joined()
    }

    /// The same run once more, telling what happens.
    private func fail(_ seed: UInt64, _ simulator: Simulator, _ flaw: Flaw?) throws {
        let report = try simulator.run(seed: seed, asked: asked, flaw: flaw, isSpoken: true)
        print("seed \(seed) failed; the last that happened:")
        for line in report.lines.suffix(Self.linesShown) { print("  \(line)") }
        print(summary(of: report))
        if report.violations.isEmpty {
            print("The second run of this seed held: something in it does not follow from the seed.")
        }
        print("Repeat it: \(command(for: seed))")
        throw ExitCode(1)
    }

    private func summary(of report: RunReport) -> String {
        var lines = report.violations.map { "BROKEN \($0.rule): \($0.text)" }
        let hash = String(report.hash, radix: 16)
        lines.append(
            "seed \(report.seed), hash \(hash): \(report.deliveries) deliveries, \(report.calls) calls, "
                + "\(report.lives) lives, \(report.diskFaults) disk faults, \(report.steps) steps, "
                + "\(report.length / 1000) virtual seconds")
        lines.append("hazards: \(report.hazards.joined(separator: " "))")
        return lines.joined(separator: "\n")
    }

    // MARK: The same in each process

    /// Sets and dictionaries are walked in an order that is drawn anew in each process, unless this variable is set
    /// when it starts: so the program starts itself once more.
    private static func fixHashing() throws {
        let name = "SWIFT_DETERMINISTIC_HASHING"
        guard getenv(name) == nil else { return }
        setenv(name, "1", 1)
        // What one run gives back is the next one's: handing it to the system in between costs a tenth of the time.
        for name in ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"] { setenv(name, "\(1 << 30)", 0) }
        setenv("MALLOC_TOP_PAD_", "\(64 << 20)", 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
        // Where there is no such path it goes on as it is; a run that repeats differently says so.
        for argument in arguments { free(argument) }
    }
}
