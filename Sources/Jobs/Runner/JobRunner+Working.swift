internal import ConnectorKit
internal import Journal
internal import Logging
internal import Model
internal import Seams
internal import Settings
internal import Synchronization

extension JobRunner {
    /// Works one job to its end and leaves the settlement for the loop.
    func work(_ job: ClaimedJob, begunAt: Instant) async {
        let began = world.time.uptime
        var job = job
        if job.unknownSince != nil {
            job.unknownSince =
                world.time.now
                - state.withLock { $0.unknownEnds.age(of: job.id, told: job.unknownAge, at: began) }
        }
        let worker = Worker(
            journal: journal, connectors: connectors, settings: settings.current, world: world,
            trailURL: trailURL, mayStart: { self.state.withLock { $0.mayStart(at: self.world.time.uptime) } })
        let outcome = await worker.work(job)
        let now = RunnerState.Now(instant: world.time.now, uptime: world.time.uptime)
        let moment = Settling.Moment(
            begunAt: begunAt, endedAt: now.instant, duration: now.uptime - began, chance: world.chance.fraction())
        let decision = Settling(job, rules: worker.rules(for: job), moment: moment).decide(outcome)
        let destination = job.call.destination
        let action = state.withLock { state in
            state.unknownEnds.note(decision.settlement, at: now.uptime)
            return state.record(decision, of: destination, at: now)
        }
        log(decision.settlement, of: job)
        onSettled(job, decision.settlement)
        log(action, of: destination)
        signal.raise()
    }

    /// Asks paused destinations whether they work again.
    func startProbes(in group: inout DiscardingTaskGroup) {
        let uptime = world.time.uptime
        for destination in state.withLock({ $0.probesDue(at: uptime) }) {
            guard let connector = connectors[destination] else { continue }
            group.addTask {
                let verdict = await connector.probe()
                guard self.state.withLock({ $0.probed(destination, verdict) }) else { return }
                self.logger.notice("destination resumed", metadata: ["destination": "\(destination)"])
                self.signal.raise()
            }
        }
    }

    private func log(_ settlement: Settlement, of job: ClaimedJob) {
        let end = settlement.attempt
        logger.log(
            level: end.outcome == .succeeded || end.outcome == .notMade ? .debug : .info, "attempt settled",
            metadata: [
                "job.id": "\(job.id)", "destination": "\(job.call.destination)", "action": "\(job.call.action)",
                "attempt.outcome": "\(end.outcome.rawValue)", "error.class": "\(end.errorClass ?? "")",
                "duration.ms": "\(end.durationMilliseconds)",
            ])
    }

    private func log(_ action: DestinationDesk.Action, of destination: String) {
        switch action {
        case .none: break
        case .announceOpened:
            logger.warning("breaker opened", metadata: ["destination": "\(destination)"])
        case .announceClosed:
            logger.notice("breaker closed", metadata: ["destination": "\(destination)"])
        case .pause(let cause, let trouble):
            logger.warning(
                "destination paused",
                metadata: [
                    "destination": "\(destination)", "pause.cause": "\(cause.rawValue)",
                    "error.class": "\(trouble.errorClass)",
                ])
        }
    }
}
