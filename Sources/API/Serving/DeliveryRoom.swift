internal import Model
internal import Synchronization

/// How many deliveries are handled at once, and how much memory their large bodies take.
///
/// Whoever comes when it is full is turned away at once, so that those inside are answered soon: without a bound all would
/// wait, and all senders give up. A delivery has its place from when its body is there, so that slow senders take none.
package final class DeliveryRoom: Sendable {
    private struct State {
        var count = 0
        var largeBytes = 0
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let largeSizeMax: Int
    /// Bodies up to this size are never refused for want of memory: a few senders of large ones leave room for the rest.
    private let smallSizeMax: Int

    package init(
        countMax: Int = Limits.deliveriesAtOnceMax, largeSizeMax: Int = Limits.largeBodiesSizeMax,
        smallSizeMax: Int = Limits.smallBodySizeMax
    ) {
        (self.countMax, self.largeSizeMax, self.smallSizeMax) = (countMax, largeSizeMax, smallSizeMax)
    }

    /// How many are inside, and the bytes of their large bodies.
    package var occupancy: (count: Int, largeBytes: Int) { state.withLock { ($0.count, $0.largeBytes) } }

    /// Turns a delivery away before its body is read where it would find no place.
    func checkPlace() throws(DoorRefusal) {
        if state.withLock({ $0.count }) >= countMax { throw .overloaded }
    }

    func enter() throws(DoorRefusal) {
        let isIn = state.withLock { state in
            guard state.count < countMax else { return false }
            state.count += 1
            return true
        }
        if !isIn { throw .overloaded }
    }

    func leave() { state.withLock { $0.count -= 1 } }

    /// Notes that a body has grown from `old` bytes to `new`.
    func grow(from old: Int, to new: Int) throws(DoorRefusal) {
        guard new > smallSizeMax else { return }
        let more = old > smallSizeMax ? new - old : new
        let isIn = state.withLock { state in
            guard state.largeBytes + more <= largeSizeMax else { return false }
            state.largeBytes += more
            return true
        }
        if !isIn { throw .overloaded }
    }

    /// Notes that a body of that size is gone.
    func release(_ size: Int) {
        if size > smallSizeMax { state.withLock { $0.largeBytes -= size } }
    }
}
