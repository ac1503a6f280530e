import ConnectorKit
import Connectors
import Journal
import Model
import Seams
import Testing

@Suite struct `A ticket's payments` {
    private func body(_ payments: [PaymentView]) throws -> String {
        let connector = try Fixture.connector("desk", ScriptedTransport(status: 200))
        let effect = Fixture.effect("open_ticket", type: .supportEscalated, data: ["reason": "x"], payments: payments)
        let json = try JSONValue(parsing: try connector.prepare(effect).body)
        return try #require(json["ticket"]?["comment"]?["body"]?.string)
    }

    private func isDouble(_ payments: [PaymentView]) throws -> Bool {
        try body(payments).contains("possible double charge")
    }

    @Test func `are called double when equal and within a day`() throws {
        #expect(try isDouble([Fixture.payment("pi_1"), Fixture.payment("pi_2", after: .seconds(86_400))]))
    }

    @Test func `are not called double when later, different, failed or the same`() throws {
        #expect(try !isDouble([Fixture.payment("pi_1"), Fixture.payment("pi_2", after: .seconds(86_401))]))
        #expect(try !isDouble([Fixture.payment("pi_1"), Fixture.payment("pi_2", amount: 4901)]))
        #expect(try !isDouble([Fixture.payment("pi_1"), Fixture.payment("pi_2", status: "failed")]))
        #expect(try !isDouble([Fixture.payment("pi_1"), Fixture.payment("pi_1", after: .seconds(5))]))
    }

    @Test func `are named in pairs where there are three`() throws {
        let text = try body([
            Fixture.payment("pi_3", after: .seconds(7200)), Fixture.payment("pi_1"),
            Fixture.payment("pi_2", after: .seconds(1)),
        ])
        #expect(text.contains("pi_1 and pi_2, 49.00 USD each, 1 second apart"))
        #expect(text.contains("pi_2 and pi_3, 49.00 USD each, 119 minutes apart"))
    }

    @Test func `are cut at twenty, with how many more`() throws {
        let many = (0..<30).map { Fixture.payment("pi_\($0)", after: .seconds(Int64($0)), amount: Int64(100 + $0)) }
        let text = try body(many)
        #expect(text.contains("- and 10 more"))
        #expect(text.contains("- pi_29:"))
        #expect(!text.contains("- pi_9:"))
    }
}
