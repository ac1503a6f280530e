internal import ConnectorKit
internal import Journal
internal import Logging
internal import Model
internal import Seams
internal import Settings
internal import Synchronization

extension JobRunner {
    /// How each configured destination stands, by name.
    package func health() -> [DestinationHealth] {
        let uptime = world.time.uptime
        return state.withLock { $0.health(at: uptime) }
    }

    /// Takes over the rates and concurrencies of the settings in force.
    ///
    /// Calls under way stay counted; destinations that are paused are asked at once, since the reload may have brought
    /// what they lacked.
    package func reload() {
        let destinations = settings.current.destinations
        let uptime = world.time.uptime
        state.withLock { $0.adopt(destinations, at: uptime) }
        signal.raise()
    }

    /// Stops calls to a destination until a person resumes it; its jobs wait.
    ///
    /// `reason` names the person. Throws `notFound` where the configuration has no such destination.
    package func pause(_ name: String, by reason: String) async throws {
        try check(name)
        let pause = Pause(cause: .person, reason: reason, since: world.time.now)
        try await write(pause, of: name)
        let uptime = world.time.uptime
        state.withLock { $0.pause(name, pause, at: uptime) }
        logger.notice("destination paused", metadata: ["destination": "\(name)", "pause.cause": "person"])
    }

    /// Lets a paused destination go on if its credential works, or in any case with `force`.
    ///
    /// Throws `notFound` where the configuration has no such destination, and what the journal throws.
    package func resume(_ name: String, force: Bool = false) async throws -> ResumeOutcome {
        // The journal has the last word: a change that failed may stand in it all the same.
        let isPaused = try check(name) != nil
        let isWritten = try await journal.pauses()[name] != nil
        let isOpen = state.withLock { $0.places[name]?.desk.openSince } != nil
        guard isPaused || isWritten || isOpen else { return .notPaused }
        if !force {
            guard let connector = connectors[name] else {
                throw Failure(.unavailable, "The destination \(name) is not set up yet. Try again in a moment.")
            }
            if let trouble = await connector.probe().trouble { return .stillPaused(trouble) }
        }
        state.withLock { $0.tryNow(name, at: world.time.uptime) }
        guard isPaused || isWritten else {
            signal.raise()
            return .resumed
        }
        try await write(nil, of: name)
        state.withLock { $0.resume(name, isForced: true) }
        logger.notice("destination resumed", metadata: ["destination": "\(name)"])
        signal.raise()
        return .resumed
    }

    private func write(_ pause: Pause?, of name: String) async throws {
        do {
            try await journal.setPause(pause, of: name, now: world.time.now)
        } catch {
            state.withLock { $0.arePausesInDoubt = true }
            signal.raise()
            throw error
        }
    }

    /// The pause in force; throws where there is no such destination.
    @discardableResult
    private func check(_ name: String) throws -> Pause? {
        guard let place = state.withLock({ $0.places[name] }), place.isConfigured else {
            throw Failure(
                .notFound, "There is no destination \(name) in the configuration. `destinations list` shows them.")
        }
        return place.desk.pause
    }
}

extension Verdict {
    /// What went wrong; nil for a success.
    var trouble: Trouble? {
        switch self {
        case .succeeded: nil
        case .transient(let trouble, _, _), .slowDown(let trouble, _), .permanent(let trouble),
            .credentials(let trouble), .blocked(let trouble):
            trouble
        }
    }
}
