internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A place at which a debug build can be told to die, so that the tests can kill it where it would hurt most.
///
/// `THROUGHLINE_CRASH_AT=call.made:3` ends the process by SIGKILL when it comes to that place for the third time. A
/// release build passes all of them.
package enum CrashPoint: String, CaseIterable, Sendable {
    /// A batch of arrivals is about to be kept.
    case appendDue = "append.due"
    /// A batch of arrivals is on disk and not answered yet.
    case appendKept = "append.kept"
    /// An event is being planned.
    case planMade = "plan.made"
    /// A plan is on disk and nobody is told of it yet.
    case planKept = "plan.kept"
    /// Settlements and claims are about to be written.
    case exchangeDue = "exchange.due"
    /// Claims are on disk and nobody works them yet.
    case exchangeKept = "exchange.kept"
    /// The rendered request is on disk and not sent yet.
    case requestKept = "request.kept"
    /// The destination is about to be called.
    case callDue = "call.due"
    /// The destination has answered and nothing is on record yet.
    case callMade = "call.made"

    package func pass() {
        #if DEBUG
            Doom.ordered?.come(to: self)
        #endif
    }
}

#if DEBUG
    /// Where this process is to die.
    private struct Doom: ~Copyable, Sendable {
        static let ordered = Doom()

        private let point: CrashPoint
        private let passes: Mutex<Int>

        private init?() {
            guard let text = getenv("THROUGHLINE_CRASH_AT").map({ String(cString: $0) }) else { return nil }
            let parts = text.split(separator: ":")
            guard let point = parts.first.flatMap({ CrashPoint(rawValue: String($0)) }) else { return nil }
            self.point = point
            passes = Mutex(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }

        func come(to point: CrashPoint) {
            guard point == self.point else { return }
            let left = passes.withLock { passes in
                passes -= 1
                return passes
            }
            guard left == 0 else { return }
            kill(getpid(), SIGKILL)
        }
    }
#endif
