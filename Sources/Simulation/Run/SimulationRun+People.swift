internal import Jobs
internal import Journal
internal import JournalSQLite
internal import Model
internal import Planning

/// People at the console.
extension SimulationRun {
    func operate() {
        guard let life, !isStopping else { return }
        switch dice.below(6) {
        case 0, 1: pause(life)
        case 2: bulk(life, .retry, JobFilter(states: [.dead, .held, .retryable]))
        case 3:
            let destination = dice.pick(["crm", "desk", "hook", "team"]) ?? ""
            operations.cancelled.insert(destination)
            bulk(life, .cancel, JobFilter(destination: destination))
        default: replay(life, isRepeating: dice.hits(0.4))
        }
    }

    private func pause(_ life: EngineLife) {
        guard let destination = dice.pick(["crm", "desk", "hook", "team"]) else { return }
        note(0, "somebody pauses \(destination)")
        let number = operations.pauses.count
        operations.pauses.append(.init(destination: destination, orderedAt: scheduler.uptime))
        life.perform { life in
            do {
                try await life.runner?.pause(destination, by: "ada")
                return true
            } catch {
                return false
            }
        } end: { isDone in
            guard isDone == true else { return }
            self.note(1, "\(destination) is paused")
            self.operations.pauses[number].from = self.scheduler.uptime
        }
        scheduler.after(Int64(dice.number(1_000...12_000))) { self.resume(destination) }
    }

    private func resume(_ destination: String) {
        guard let life, !isStopping, !isCalm else { return }
        endPauses(of: destination)
        note(0, "somebody resumes \(destination)")
        let isForced = dice.hits(0.5)
        life.perform { life in
            // What it answers is for the person; here the drain shows whether it goes on.
            _ = try? await life.runner?.resume(destination, force: isForced)
        } end: { _ in
        }
    }

    private func endPauses(of destination: String) {
        for index in operations.pauses.indices
        where operations.pauses[index].destination == destination && operations.pauses[index].until == nil {
            operations.pauses[index].until = scheduler.uptime
        }
    }

    private func bulk(_ life: EngineLife, _ action: BulkAction, _ filter: JobFilter) {
        note(0, "somebody does \(action.rawValue) in bulk")
        let number = operations.retries.count
        if action == .retry { operations.retries.append(.init(from: scheduler.uptime)) }
        life.perform { life in
            // An error is an answer too: the person sees it and tries again or not.
            _ = try? await life.journal?.bulk(action, filter, limit: 100, by: "ada", now: life.time.now)
            life.runner?.wake()
        } end: { _ in
            if action == .retry { self.operations.retries[number].until = self.scheduler.uptime }
        }
    }

    private func replay(_ life: EngineLife, isRepeating: Bool) {
        let known = senders.records.compactMap { $0.acknowledged?.event }
        guard let text = dice.pick(known), let event = EventID(text) else { return }
        note(0, "somebody replays \(text)\(isRepeating ? ", repeating" : "")")
        if isRepeating { operations.repeated.insert(text) }
        replay(event, isRepeating, life)
    }

    private func replay(_ event: EventID, _ isRepeating: Bool, _ life: EngineLife) {
        let mint = dice.fork()
        life.perform { life in
            let now = life.time.now
            // As above: an error is an answer.
            _ = try? await life.journal?.replay(
                event, repeating: isRepeating, mint: { JobID(at: now, random: (mint.next(), mint.next())) }, by: "ada",
                now: now)
            life.planner?.wake()
            life.runner?.wake()
        } end: { _ in
        }
    }

    /// What people do when the trouble is over: they let everything go on, and replay what could not be planned.
    func tidy() {
        for index in operations.pauses.indices where operations.pauses[index].until == nil {
            operations.pauses[index].until = scheduler.uptime
        }
        guard let life, !isStopping else { return scheduler.after(500) { self.tidy() } }
        note(0, "people tidy up")
        life.perform { life -> Bool in
            guard let journal = life.journal else { return false }
            do {
                for destination in ["crm", "desk", "hook", "team"] {
                    _ = try await life.runner?.resume(destination, force: true)
                }
                let page = try await journal.keptDeliveries(
                    KeptFilter(kinds: [.unplannable], isReplayed: false), page: PageRequest(limit: 100))
                for kept in page.items {
                    guard let event = kept.event else { continue }
                    _ = try await journal.replay(
                        event, repeating: false, mint: { JobID(at: kept.receivedAt, random: (0, 0)) }, by: "ada",
                        now: life.time.now)
                }
                life.planner?.wake()
                return true
            } catch {
                return false
            }
        } end: { isDone in
            if isDone != true { self.scheduler.after(500) { self.tidy() } }
        }
    }
}
