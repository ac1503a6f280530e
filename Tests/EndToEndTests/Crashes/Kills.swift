import Foundation
import Seams
import TestKit
import Testing

extension `The whole product`.Crashes {
    /// Three rounds of ten in each run; `THROUGHLINE_KILLS=1000` makes it a long one.
    private static var seeds: [UInt64] {
        let kills = ProcessInfo.processInfo.environment["THROUGHLINE_KILLS"].flatMap { Int($0) } ?? 30
        return (0..<max(1, (kills + 9) / 10)).map { UInt64($0) + 3 }
    }

    @Test(arguments: seeds)
    func `ten kills under load lose nothing and double nothing`(seed: UInt64) async throws {
        try await Stage.set { stage in
            var course = Course(stage, count: 100, seed: seed)
            course.fail(share: 0.2)
            for round in 1...10 {
                try await stage.server.start()
                let fatal = Int.random(in: 1...18, using: &course.generator)
                let taken = try await course.deliver(40) { taken in
                    if taken == fatal { try await stage.server.kill() }
                }
                #expect(taken >= fatal, "round \(round), seed \(seed): the load ended before the kill")
            }
            try await course.finish()
        }
    }

    #if DEBUG
        @Test(
            .enabled(if: ServerProcess.isOfThisBuild, "a release build passes all points"),
            arguments: CrashPoint.allCases)
        func `a death at any step loses nothing and doubles nothing`(point: CrashPoint) async throws {
            try await Stage.set { stage in
                var course = Course(stage, count: 20, seed: 1)
                for number in [1, 2, 5] {
                    try stage.server.launch(dyingAt: "\(point.rawValue):\(number)")
                    // A server that dies while it takes up what is open may never be ready.
                    try? await stage.server.isReady()
                    _ = try await course.deliver(14, atOnce: 2)
                    try await stage.server.isDead(within: 20)
                }
                try await course.finish()
            }
        }
    #endif
}
