import Seams
import Testing

@Suite struct `Trouble that repeats` {
    @Test func `is told at once, and then once in a while with how often it was`() {
        var trouble = Repetition(every: .seconds(10))
        #expect(trouble.happened(at: .seconds(100)) == 1)
        for second in 101..<110 { #expect(trouble.happened(at: .seconds(second)) == nil) }
        #expect(trouble.happened(at: .seconds(110)) == 10)
        #expect(trouble.happened(at: .seconds(111)) == nil)
        #expect(trouble.happened(at: .seconds(1000)) == 2)
    }
}
