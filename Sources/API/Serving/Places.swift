internal import Synchronization

/// So many may be here at once.
package final class Places: Sendable {
    /// A place that is free again when nobody holds this.
    package final class Place: Sendable {
        private let places: Places
        fileprivate init(_ places: Places) { self.places = places }
        deinit { places.taken.withLock { $0 -= 1 } }
    }

    private let countMax: Int
    private let taken = Mutex(0)

    package init(max: Int) { countMax = max }

    /// Nil where all are taken.
    package func take() -> Place? {
        let isFree = taken.withLock { taken -> Bool in
            guard taken < countMax else { return false }
            taken += 1
            return true
        }
        return isFree ? Place(self) : nil
    }
}
