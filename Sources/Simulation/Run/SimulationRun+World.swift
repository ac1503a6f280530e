internal import CFaultyDisk
internal import Journal
internal import JournalSQLite
internal import Model

/// What is done to the engine from outside, and when.
extension SimulationRun {
    /// Puts the hazards of the moment on network, senders and disk.
    func setHazards() {
        let active = isCalm ? [] : hazards
        network.hazards = active
        senders.hazards = active
        network.searchLag = active.contains(.searchLag) ? Int64(dice.number(500...4_500)) : 0
        setDisk(isFull: false)
    }

    func setDisk(isFull: Bool) {
        func share(_ hazard: Hazard, _ millionths: UInt32) -> UInt32 {
            !isCalm && hazards.contains(hazard) ? millionths : 0
        }
        disk.set(
            faulty_disk_faults(
                sync_fails: share(.syncFails, 20_000), sync_lies: share(.syncLies, 20_000),
                sync_forgets: share(.syncForgets, 20_000), write_fails: share(.writeFails, 4_000),
                write_tears: share(.writeTears, 4_000), read_fails: share(.readFails, 2_000), is_full: isFull,
                skips_syncs: flaw?.skipsSyncs == true))
    }

    /// Strews the run's events over its bad phase.
    func plan(length: Int) {
        func times(_ hazard: Hazard, _ most: Int, _ action: @escaping () -> Void) {
            guard hazards.contains(hazard) else { return }
            for _ in 0..<dice.number(1...most) { scheduler.after(Int64(dice.below(length)), guarded(action)) }
        }
        times(.crash, 3) { self.crashAtStep = self.scheduler.steps + self.dice.below(60) }
        times(.crashAtDisk, 3) { self.disk.stop(after: self.dice.number(1...80)) }
        times(.restart, 2) { self.stopOrderly() }
        times(.diskFull, 3) { self.fillDisk() }
        times(.clockJumps, 3) { self.jump() }
        times(.unauthorized, 2) { self.revoke() }
        times(.reload, 3) { self.reload() }
        times(.operating, 5) { self.operate() }
        times(.secondOwner, 2) { self.openSecond() }
    }

    /// Nothing bad begins once it is calm.
    private func guarded(_ action: @escaping () -> Void) -> () -> Void {
        { if !self.isCalm { action() } }
    }

    private func stopOrderly() {
        guard let life, !isStopping else { return }
        note(life.number, "life \(life.number) is told to end")
        isStopping = true
        life.stop()
    }

    private func fillDisk() {
        note(1, "the disk is full")
        setDisk(isFull: true)
        scheduler.after(
            Int64(dice.number(500...5_000)),
            {
                self.note(0, "the disk has room")
                self.setDisk(isFull: false)
            })
    }

    private func jump() {
        wallError += Int64(dice.number(-90_000...90_000))
        note(Int(wallError), "the wall clock is off by \(wallError) ms")
        life?.time.error = wallError
    }

    private func revoke() {
        guard let destination = dice.pick(["crm", "desk", "hook"]) else { return }
        note(0, "the credential of \(destination) stops working")
        network.providers.setCredential(of: destination, works: false)
        scheduler.after(Int64(dice.number(1_000...20_000))) {
            self.note(1, "the credential of \(destination) works again")
            self.network.providers.setCredential(of: destination, works: true)
        }
    }

    private func reload() {
        guard let next = dice.hits(0.5) ? Configuration.first : Configuration.second else { return }
        note(0, "reload")
        configuration = next
        operations.regimes.append(.init(from: scheduler.uptime, configuration: next))
        guard !isStopping else { return }
        life?.reload(next)
    }

    /// One journal, one owner.
    private func openSecond() {
        guard life != nil else { return }
        note(0, "a second owner tries")
        do {
            _ = try SQLiteJournal.open(path: disk.path, executor: JournalExecutor(scheduler))
            fail("one-owner", "the journal was opened a second time while its owner runs")
        } catch {
            guard (error as? Failure)?.code != .journalLocked else { return }
            fail("one-owner", "a second owner was refused for another reason than the lock: \(error)")
        }
    }
}
