internal import Synchronization

/// So many may be here at once, and of them so many of one owner.
package final class Places: Sendable {
    /// A place that is free again when nobody holds this.
    package final class Place: Sendable {
        private let places: Places
        private let owner: String
        fileprivate init(_ places: Places, of owner: String) {
            self.places = places
            self.owner = owner
        }
        deinit { places.leave(owner) }
    }

    private struct Taken {
        var count = 0
        var byOwner: [String: Int] = [:]
    }

    private let countMax: Int
    private let ownerMax: Int
    private let taken = Mutex(Taken())

    package init(max: Int, ofOne ownerMax: Int) {
        countMax = max
        self.ownerMax = ownerMax
    }

    /// Nil where all are taken, or all that one owner may have.
    package func take(for owner: String) -> Place? {
        let isFree = taken.withLock { taken -> Bool in
            guard taken.count < countMax, taken.byOwner[owner, default: 0] < ownerMax else { return false }
            taken.count += 1
            taken.byOwner[owner, default: 0] += 1
            return true
        }
        return isFree ? Place(self, of: owner) : nil
    }

    private func leave(_ owner: String) {
        taken.withLock { taken in
            taken.count -= 1
            let left = taken.byOwner[owner, default: 1] - 1
            taken.byOwner[owner] = left > 0 ? left : nil
        }
    }
}
