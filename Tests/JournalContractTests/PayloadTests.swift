import Journal
import Model
import Seams
import TestKit
import Testing

@testable import JournalSQLite

@Suite struct `A payload` {
    static let bodies: [[UInt8]] = [
        [], [0], Array("{}".utf8), Array(repeating: UInt8(ascii: " "), count: Limits.eventsSizeMax),
        Array(#"{"id": "evt_1", "type": "payment_intent.succeeded", "id": "evt_1", "type": "x"}"#.utf8),
        SeededChance(seed: 7).bytes(5), SeededChance(seed: 8).bytes(Limits.deliverySizeMax),
    ]

    @Test(arguments: bodies.indices) func `comes back byte for byte`(index: Int) async throws {
        let (bench, body) = (try await Bench(), Self.bodies[index])
        let event = bench.event()
        #expect(try await bench.journal.append([.event(event, payload: body)]) == [.accepted(event.id)])
        let again = try await bench.reopened()
        #expect(try await again.journal.event(event.id)?.payload == body)
    }

    @Test func `of any bytes is the same after packing`() throws {
        let chance = SeededChance(seed: 21)
        for _ in 0..<2000 {
            // Few different bytes, so that some of it can be packed and some cannot.
            let (count, kinds) = (Int(chance.next() % 3000), 1 + chance.next() % 40)
            let body = (0..<count).map { _ in UInt8(truncatingIfNeeded: chance.next() % kinds) }
            let packed = PackedBody.pack(body)
            #expect(try PackedBody.unpack(packed) == body)
            #expect(packed.count <= body.count + 1)
        }
    }

    @Test(
        arguments: [
            [], [2, 0, 0], [1], [1, 255, 255, 255, 255, 0], [1, 4, 0, 0, 0, 9], [1, 9, 0, 0, 0, 0x10, 65],
        ] as [[UInt8]]) func `that nobody packed is told as damage`(stored: [UInt8])
    {
        #expect(throws: Failure.self) { try PackedBody.unpack(stored) }
    }
}
