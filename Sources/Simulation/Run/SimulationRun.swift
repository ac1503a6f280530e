internal import CFaultyDisk
internal import Journal
internal import JournalSQLite
internal import Model
internal import Sandbox
internal import Watch

/// One run of (seed, workload, faults).
///
/// First the world is bad, then it is good and everything must come to its end.
///
/// `@unchecked Sendable`: a run has one thread.
final class SimulationRun: @unchecked Sendable {
    static let stepsMax = 2_000_000
    /// Virtual time within which everything must have ended once nothing is bad any more: a job gives up three minutes
    /// after its first attempt, and a paused destination is asked again within ten.
    static let patience: Int64 = 20 * 60_000

    let seed: UInt64
    let trace: Trace
    let dice: Dice
    let scheduler: Scheduler
    let network: SimulatedNetwork
    let senders: Senders
    let disk: SimulatedDisk
    let hazards: Set<Hazard>
    let flaw: Flaw?
    var configuration: Configuration
    var life: EngineLife?
    var lives = 0
    var wallError: Int64 = 0
    var isCalm = false
    var violations: [Violation] = []
    var operations = OperatorRecord()
    var crashAtStep: Int?
    var isStopping = false
    private let engineDice: Dice

    init(seed: UInt64, disk: SimulatedDisk, asked: Set<Hazard>, flaw: Flaw?, isSpoken: Bool) throws {
        dice = Dice(seed: seed)
        guard let configuration = dice.hits(0.7) ? Configuration.first : Configuration.second else {
            throw Failure(.configuration, "The simulation's configuration is wrong:\n\(Configuration.problems)")
        }
        self.seed = seed
        self.disk = disk
        self.flaw = flaw
        self.configuration = configuration
        operations.regimes = [.init(from: 0, configuration: configuration)]
        trace = Trace(isSpoken: isSpoken)
        hazards = Hazard.swarm(dice, asked: asked)
        scheduler = Scheduler(dice: dice.fork(), trace: trace)
        network = SimulatedNetwork(scheduler: scheduler, dice: dice.fork())
        senders = Senders(scheduler: scheduler, dice: dice.fork())
        engineDice = dice.fork()
        disk.restore(seed: dice.next())
    }

    func note(_ code: Int, _ words: @autoclosure () -> String) { trace.note(scheduler.uptime, code, words()) }

    func fail(_ rule: String, _ text: String) {
        guard violations.count < 20 else { return }
        violations.append(Violation(rule: rule, text: text))
        note(-1, "VIOLATION \(rule): \(text)")
    }

    // MARK: The run

    func run() -> RunReport {
        let length = dice.number(4...30) * 1000
        note(0, "hazards: \(hazards.map(\.rawValue).sorted().joined(separator: " "))")
        senders.life = { [weak self] in self?.isStopping == true ? nil : self?.life }
        senders.add(Workload(dice, length: length))
        plan(length: length)
        setHazards()
        boot()
        go(until: Int64(length)) { false }
        calm()
        drain("work")
        if violations.isEmpty {
            senders.add(Workload(canaryAt: scheduler.uptime + 1000))
            drain("last work")
        }
        if violations.isEmpty { check() }
        finish()
        return report
    }

    private var report: RunReport {
        RunReport(
            seed: seed, hazards: hazards.map(\.rawValue).sorted(), violations: violations, hash: trace.hash,
            steps: scheduler.steps, length: scheduler.uptime, lives: lives, deliveries: senders.records.count,
            calls: network.calls.count, diskFaults: disk.faultsHit, lines: trace.lines)
    }

    /// Goes on until that moment or until `isDone`; false where it had to be given up.
    @discardableResult
    func go(until end: Int64, _ isDone: () -> Bool) -> Bool {
        var faults = disk.faultsHit
        while scheduler.uptime < end, !isDone() {
            guard violations.isEmpty else { return false }
            guard scheduler.steps < Self.stepsMax else {
                fail("no-livelock", "\(Self.stepsMax) steps were made at \(scheduler.uptime) ms without an end")
                return false
            }
            guard scheduler.step() else {
                fail("no-standstill", "nothing will ever happen again, and not all is done")
                return false
            }
            if disk.faultsHit != faults {
                faults = disk.faultsHit
                note(Int(truncatingIfNeeded: faults), "disk: \(disk.lastFault)")
            }
            if disk.isStopped || crashAtStep.map({ scheduler.steps >= $0 }) == true { crash() }
            if isStopping, life?.isEnding == true { endOrderly() }
        }
        return true
    }

    // MARK: Lives

    /// Starts the engine; where the disk lets it not, again a second later.
    func boot() {
        guard life == nil else { return }
        lives += 1
        do {
            let life = try EngineLife(
                number: lives, configuration: configuration, disk: disk, network: network, wallError: wallError,
                dice: engineDice.fork(), flaw: flaw)
            self.life = life
            note(lives, "life \(lives) begins")
            life.start()
        } catch {
            note(lives, "life \(lives) cannot begin: \(error)")
            if isCalm, !disk.isStopped { fail("opens", "with a disk that works the journal does not open: \(error)") }
            if disk.isStopped { restartDisk() }
            scheduler.after(1000) { self.boot() }
        }
    }

    /// The process dies here and now.
    func crash() {
        crashAtStep = nil
        guard let life else {
            if disk.isStopped { restartDisk() }
            return
        }
        note(life.number, "life \(life.number) dies\(disk.isStopped ? " at the disk" : "")")
        disk.stop()
        bury(life, hasEnded: life.die())
        restartDisk()
        scheduler.after(Int64(dice.below(3_000))) { self.boot() }
    }

    private func endOrderly() {
        guard let life else { return }
        let hasEnded = life.end()
        note(life.number, "life \(life.number) ends in order")
        bury(life, hasEnded: hasEnded)
        if disk.isStopped { restartDisk() }
        scheduler.after(Int64(dice.below(1_000))) { self.boot() }
    }

    private func bury(_ life: EngineLife, hasEnded: Bool) {
        self.life = nil
        // Also where it was told so while its tasks ran to their ends: the next life is told nothing.
        isStopping = false
        if !hasEnded { fail("tasks-end", "tasks of life \(life.number) go on after its end") }
        if disk.openFiles > 0 { fail("files-close", "\(disk.openFiles) files stay open after life \(life.number)") }
    }

    private func restartDisk() {
        let isLosing = hazards.contains(.powerLoss) && !isCalm && dice.hits(0.6)
        disk.start(losingPower: isLosing)
        note(isLosing ? 1 : 0, isLosing ? "power was lost" : "the machine stayed on")
    }

    // MARK: The end

    /// Nothing is bad any more, and people have mended what they had broken.
    private func calm() {
        isCalm = true
        note(0, "calm")
        crashAtStep = nil
        disk.stop(after: 0)
        setHazards()
        for destination in Providers.routes.keys.sorted() {
            network.providers.setCredential(of: destination, works: true)
        }
        wallError = 0
        life?.time.error = 0
        scheduler.after(100) { self.tidy() }
    }

    /// Waits until nothing is left to do.
    private func drain(_ what: String) {
        let end = scheduler.uptime + Self.patience
        var isDrained = false
        look { isDrained = true }
        go(until: end) { isDrained }
        guard violations.isEmpty, !isDrained else { return }
        fail("drains", "\(what) is not done \(Self.patience / 60_000) minutes after the last fault: \(remains)")
    }

    private var remains: String {
        let unheard = senders.records.filter { !$0.isDone }.map(\.item.delivery.id)
        return "deliveries \(unheard), \(lastFigures)"
    }

    private(set) var lastFigures = "no figures"

    /// Looks every few seconds whether all is done.
    private func look(_ drained: @escaping () -> Void) {
        guard let life, !isStopping else { return scheduler.after(1000) { self.look(drained) } }
        life.perform { life -> JournalFigures? in
            guard let journal = life.journal else { return nil }
            // Trouble in reading means only that it is asked again.
            return try? await journal.figures(now: life.time.now)
        } end: { figures in
            if let figures = figures ?? nil {
                self.lastFigures = "pending \(figures.pending), open \(figures.openJobs.filter { !$0.value.isEmpty })"
                let open = figures.openJobs.values.reduce(0) { $0 + $1.values.reduce(0, +) }
                if figures.pending == 0, open == 0, self.senders.isDone { return drained() }
            }
            self.scheduler.after(2000) { self.look(drained) }
        }
    }

    /// Reads what is there and asks the checkers; then once more after a loss of power.
    private func check() {
        guard let first = read() else { return }
        checkFile()
        checkAll(first)
        guard violations.isEmpty, dice.hits(0.3), let life else { return }
        disk.stop()
        bury(life, hasEnded: life.die())
        disk.start(losingPower: true)
        boot()
        guard let second = read() else { return }
        checkFile()
        checkSurvival(of: first, in: second)
    }

    private func checkFile() {
        if let damage = disk.damage { fail("file-is-sound", "the journal is damaged: \(damage)") }
    }

    private func read() -> Snapshot? {
        var snapshot: Snapshot?
        var isAnswered = false
        life?.perform { life -> Result<Snapshot, any Error> in
            do {
                guard let journal = life.journal else { throw Failure(.unavailable, "The journal is closed.") }
                // A last look, so that what was just settled is seen.
                try await life.watcher?.round()
                return .success(try await Snapshot(of: journal, now: life.time.now))
            } catch {
                return .failure(error)
            }
        } end: { result in
            isAnswered = true
            switch result {
            case .success(let read): snapshot = read
            case .failure(let error): self.fail("readable", "the journal cannot be read: \(error)")
            case nil: break
            }
        }
        go(until: scheduler.uptime + 60_000) { isAnswered }
        if snapshot == nil, violations.isEmpty { fail("readable", "the journal was not read") }
        return snapshot
    }

    private func finish() {
        guard let life else { return }
        disk.stop()
        bury(life, hasEnded: life.die())
        disk.start(losingPower: false)
        if scheduler.piecesFromElsewhere > 0 {
            fail("one-thread", "\(scheduler.piecesFromElsewhere) pieces of work came from other threads")
        }
    }
}
