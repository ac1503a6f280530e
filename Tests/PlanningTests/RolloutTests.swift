internal import Planning
internal import Settings
internal import Testing

@Suite struct `A canary` {
    @Test(arguments: [1.0, 25, 50, 99])
    func `takes its share of ten thousand`(percent: Double) {
        let taken = (0..<10_000).count {
            RolloutShare.includes("payment:pi_\($0)", in: .canary(percent: percent))
        }
        #expect(abs(Double(taken) / 100 - percent) < 2)
    }

    @Test func `keeps everyone in when its share is raised`() {
        for index in 0..<10_000 where RolloutShare.includes("payment:pi_\(index)", in: .canary(percent: 25)) {
            #expect(RolloutShare.includes("payment:pi_\(index)", in: .canary(percent: 26)))
        }
    }

    @Test func `draws the line at the same names for good`() {
        let names = (0..<12).map { "payment:pi_\($0)" }
        #expect(
            names.filter { RolloutShare.includes($0, in: .canary(percent: 25)) } == ["payment:pi_9", "payment:pi_11"])
    }

    @Test func `of none takes nobody and of all takes everybody`() {
        for index in 0..<1000 {
            #expect(!RolloutShare.includes("\(index)", in: .canary(percent: 0)))
            #expect(RolloutShare.includes("\(index)", in: .canary(percent: 100)))
        }
    }
}
