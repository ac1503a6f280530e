package import Model
internal import Synchronization

/// Who follows what happens, at most so many at once; each is told which jobs had an attempt that did not end them.
package final class Followers: Sendable {
    package static let countMax = 64
    /// Of them one session, or one key; a page that was left is noticed a moment later.
    package static let ownerMax = 16
    static let rememberedMax = 1000

    private struct State {
        var boxes: [Int: [JobID]] = [:]
        var owners: [Int: String] = [:]
        var nextNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Nil where all places are taken, or all that one owner may have.
    package func enter(_ owner: String) -> Follower? {
        let number = state.withLock { state -> Int? in
            guard state.boxes.count < Self.countMax, state.owners.values.count(where: { $0 == owner }) < Self.ownerMax
            else { return nil }
            state.nextNumber += 1
            state.boxes[state.nextNumber] = []
            state.owners[state.nextNumber] = owner
            return state.nextNumber
        }
        return number.map { Follower(self, number: $0) }
    }

    package var count: Int { state.withLock { $0.boxes.count } }

    /// An attempt at the job ended and will be followed by another one, or by a person.
    package func attempted(_ job: JobID) {
        state.withLock { state in
            for (number, box) in state.boxes where !box.contains(job) && box.count < Self.rememberedMax {
                state.boxes[number]?.append(job)
            }
        }
    }

    fileprivate func take(_ number: Int) -> [JobID] {
        state.withLock { state in
            defer { if state.boxes[number] != nil { state.boxes[number] = [] } }
            return state.boxes[number] ?? []
        }
    }

    fileprivate func leave(_ number: Int) {
        state.withLock {
            $0.boxes[number] = nil
            $0.owners[number] = nil
        }
    }
}

/// One place among the followers; it is free again when nobody holds this.
package final class Follower: Sendable {
    private let followers: Followers
    private let number: Int

    fileprivate init(_ followers: Followers, number: Int) {
        self.followers = followers
        self.number = number
    }

    deinit { followers.leave(number) }

    /// Jobs that had an attempt since this was asked last.
    func takeAttempted() -> [JobID] { followers.take(number) }
}
