internal import Synchronization

/// The configuration in force.
///
/// A reload replaces it as a whole, or not at all.
package final class LiveSettings: Sendable {
    private let settings: Mutex<Settings>

    package init(_ settings: Settings) { self.settings = Mutex(settings) }

    package var current: Settings { settings.withLock { $0 } }
    package func replace(with settings: Settings) { self.settings.withLock { $0 = settings } }
}
