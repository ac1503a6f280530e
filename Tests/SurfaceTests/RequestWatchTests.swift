import NIOCore
import Testing

@testable import API

@Suite struct `A request on its way in` {
    private let opened = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private func after(_ seconds: Int64) -> NIODeadline { opened + .seconds(seconds) }
    private var watch: RequestWatch { RequestWatch(requestMax: .seconds(30), openedAt: opened) }

    @Test func `has so long from its first byte`() {
        var watch = watch
        watch.readBytes(at: after(5))
        #expect(watch.verdict(at: after(6)) == .wait(until: after(30)), "the connection owes it from its beginning")
        watch.readHead(at: after(7))
        watch.readEnd()
        #expect(watch.verdict(at: after(40)) == .rest)
        watch.beganAnswer()
        watch.endedAnswer()
        watch.readBytes(at: after(50))
        #expect(watch.verdict(at: after(79)) == .wait(until: after(80)))
        #expect(watch.verdict(at: after(80)) == .answer)
    }

    @Test func `is answered with 408 when its head or its body is missing`() {
        var head = watch
        head.readBytes(at: after(1))
        #expect(head.verdict(at: after(30)) == .answer)
        var body = watch
        body.readHead(at: after(1))
        #expect(body.verdict(at: after(31)) == .answer)
    }

    @Test func `gets no answer where nobody asked, or where it has one`() {
        #expect(watch.verdict(at: after(30)) == .close)
        var refused = watch
        refused.readHead(at: after(1))
        refused.beganAnswer()
        refused.endedAnswer()
        #expect(refused.verdict(at: after(31)) == .close)
    }

    @Test func `waits while an earlier one is being answered`() {
        var watch = watch
        watch.readHead(at: after(1))
        watch.readEnd()
        watch.readHead(at: after(2))
        #expect(watch.verdict(at: after(40)) == .wait(until: after(70)))
        watch.beganAnswer()
        watch.endedAnswer()
        #expect(watch.verdict(at: after(70)) == .answer)
    }
}
