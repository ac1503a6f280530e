import API
import Foundation
import Journal
import Model
import Seams
import Settings
import TestKit
import Testing

@Suite struct `A status token` {
    private func desk(_ time: ManualTime = ManualTime(), seed: UInt64 = 7) -> ReceiptDesk {
        ReceiptDesk(journal: FakeAftercare(), time: time, chance: SeededChance(seed: seed))
    }
    private let event: EventID = Make.id(1)
    private let day: Duration = .seconds(86_400)

    @Test func `opens its own event until it expires`() async throws {
        let time = ManualTime()
        let desk = desk(time)
        let token = try #require(await desk.token(for: event, lifetime: day))
        #expect(token.hasPrefix("trt_") && token.utf8.count == 40)
        #expect(try await desk.opens(token, event))
        time.advance(by: day - .seconds(1))
        #expect(try await desk.opens(token, event))
        time.advance(by: .seconds(1))
        #expect(try await !desk.opens(token, event))
    }

    @Test func `opens no other event, and none at another installation`() async throws {
        let desk = desk()
        let token = try #require(await desk.token(for: event, lifetime: day))
        #expect(try await !desk.opens(token, Make.id(2)))
        #expect(try await !self.desk(seed: 8).opens(token, event))
    }

    @Test func `opens nothing once any part of it is changed`() async throws {
        let desk = desk()
        let token = Array(try #require(await desk.token(for: event, lifetime: day)).utf8)
        for place in 4..<token.count {
            for letter in Array("0123456789abcdefghjkmnpqrstvwxyz".utf8) where letter != token[place] {
                var forged = token
                forged[place] = letter
                #expect(try await !desk.opens(String(decoding: forged, as: UTF8.self), event))
            }
        }
        let text = String(decoding: token, as: UTF8.self)
        for wrong in ["", "trt_", text + "0", String(text.dropLast()), text.uppercased(), "x" + text] {
            #expect(try await !desk.opens(wrong, event), "\(wrong)")
        }
    }
}

@Suite struct `What an end user is told` {
    private let slow: Duration = .seconds(120)

    private func receipt(
        _ jobs: [JobRow], isPending: Bool = false, isUnplannable: Bool = false, after: Duration = .seconds(1)
    ) -> Receipt {
        var row = Make.event()
        row.isPending = isPending
        return Receipt(
            of: EventStanding(row: row, isUnplannable: isUnplannable, jobs: jobs), slowAfter: slow, now: Make.at + after
        )
    }

    private func job(_ state: JobState, effect: String = "f/crm.a/x/0", dueAt: Instant? = nil) -> JobRow {
        var job = Make.job(state: state)
        job.effect = EffectKey(text: effect)
        (job.dueAt, job.endedAt) = (dueAt, state.isEnded ? Make.after(252) : nil)
        return job
    }

    @Test func `is done only when all that was planned is done`() {
        #expect(receipt([job(.completed)]).state == .done)
        #expect(receipt([job(.completed)]).endedAt == Make.after(252))
        #expect(receipt([job(.completed), job(.running, effect: "g/crm.a/x/0")]).state == .received)
        #expect(receipt([job(.completed), job(.cancelled, effect: "g/crm.a/x/0")]).state == .done)
    }

    @Test func `is no more than received where nothing was planned or all was cancelled`() {
        #expect(receipt([], after: .seconds(9999)).state == .received)
        #expect(receipt([job(.cancelled)]).state == .received)
    }

    @Test func `is delayed after a while, unless it is to begin later by design`() {
        for state in [JobState.available, .running, .waiting, .retryable] {
            #expect(receipt([job(state)]).state == .received)
            #expect(receipt([job(state)], after: .seconds(180)).state == .delayed, "\(state)")
        }
        #expect(receipt([], isPending: true, after: .seconds(180)).state == .delayed)
        let later = job(.scheduled, dueAt: Make.at + .seconds(7200))
        #expect(receipt([later], after: .seconds(180)).state == .received)
    }

    @Test func `needs a person where work is dead, held or could not be planned`() {
        #expect(receipt([job(.completed), job(.dead, effect: "g/crm.a/x/0")]).state == .needsPerson)
        #expect(receipt([job(.held)]).state == .needsPerson)
        #expect(receipt([], isUnplannable: true).state == .needsPerson)
        // Ordered once more by a person, and done.
        #expect(receipt([job(.dead), job(.completed, effect: "f/crm.a/x/1")]).state == .done)
    }

    @Test func `names a contact only where somebody may want it, and never what went wrong`() {
        let failed = receipt([Make.job(state: .dead, error: "token ada@example.com refused")])
        let json = failed.json(contact: "help@acme.example")
        #expect(Set(json.keys) == ["event", "state", "received_at", "ended_at", "contact"])
        #expect(json["contact"] == "help@acme.example" && !json.encodedText.contains("ada"))
        #expect(receipt([job(.completed)]).json(contact: "help@acme.example")["contact"] == .null)
    }
}

@Suite struct `The receipts of the API` {
    private let origins = ReceiptSettings(contact: "help@acme.example", origins: ["https://acme.example"])

    private func house() async throws -> (house: House, event: EventID, token: String) {
        let accepted: EventID = Make.id(1)
        let house = try await House(
            receiving: FakeReceiving(
                ReceiptAnswer(status: 200, body: ["status": "accepted", "event": .string(accepted.description)])),
            receipts: origins)
        house.aftercare.set {
            $0.standings[accepted] = EventStanding(
                row: Make.event(), isUnplannable: false, jobs: [Make.job(state: .completed)])
        }
        let reply = try await house.send("POST", "/v1/events", key: "ingest", body: "{}")
        return (house, accepted, try #require(reply.json["token"]?.string))
    }

    @Test func `open with the token that came with the answer`() async throws {
        let (house, event, token) = try await house()
        let reply = try await house.send("GET", "/v1/receipts/\(event)?token=\(token)")
        #expect(reply.status == 200 && reply.json["state"] == "done" && reply.header("cache-control") == "no-store")
        let bearer = try await house.send(
            "GET", "/v1/receipts/\(event)", headers: ["authorization": "Bearer \(token)"])
        #expect(bearer.json == reply.json)
        let stream = try await house.send("GET", "/v1/receipts/\(event)/stream?token=\(token)")
        #expect(stream.header("content-type") == "text/event-stream")
        #expect(stream.text.contains("event: receipt\ndata: {\"event\":\"\(event)\",\"state\":\"done\""))
    }

    @Test func `tell who guesses nothing: all wrong tokens are answered alike`() async throws {
        let (house, event, token) = try await house()
        let other: EventID = Make.id(2)
        house.aftercare.set { $0.standings[other] = $0.standings[event] }
        let stranger: EventID = Make.id(3)
        let unknown = try #require(
            await house.dependencies.aftercare?.receipts.token(for: stranger, lifetime: .seconds(60)))
        let expired = try #require(
            await house.dependencies.aftercare?.receipts.token(for: event, lifetime: .seconds(-1)))
        var answers: Set<String> = []
        for path in [
            "\(event)", "\(event)?token=", "\(event)?token=nonsense", "\(event)?token=\(expired)",
            "\(other)?token=\(token)", "\(stranger)?token=\(unknown)", "nonsense?token=\(token)",
            "\(Make.id(1, JobTag.self))?token=\(token)",
        ] {
            for way in ["", "/stream"] {
                let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
                let query = parts.count > 1 ? "?\(parts[1])" : ""
                let reply = try await house.send("GET", "/v1/receipts/\(parts[0])\(way)\(query)")
                #expect(reply.status == 404, "\(path)\(way)")
                var body = reply.json
                body["request_id"] = nil
                answers.insert(body.encodedText)
            }
        }
        #expect(answers.count == 1)
        let key = try await house.send("GET", "/v1/receipts/\(event)", key: "admin")
        #expect(key.status == 404)
    }

    @Test func `may be read by pages of the origins that are named, and by no other page`() async throws {
        let (house, event, token) = try await house()
        let path = "/v1/receipts/\(event)?token=\(token)"
        let own = try await house.send("GET", path, headers: ["origin": "https://acme.example"])
        #expect(own.header("access-control-allow-origin") == "https://acme.example")
        #expect(own.header("vary") == "origin" && own.header("access-control-allow-credentials") == nil)
        for origin in ["https://evil.example", "https://acme.example.evil.example", "null", "http://acme.example"] {
            let other = try await house.send("GET", path, headers: ["origin": origin])
            #expect(other.status == 200 && other.header("access-control-allow-origin") == nil, "\(origin)")
        }
        let asked = try await house.send(
            "OPTIONS", "/v1/receipts/\(event)", headers: ["origin": "https://acme.example"])
        #expect(asked.status == 204 && asked.header("access-control-allow-methods") == "GET")
        let refused = try await house.send(
            "OPTIONS", "/v1/receipts/\(event)", headers: ["origin": "https://evil.example"])
        #expect(refused.status == 204 && refused.header("access-control-allow-methods") == nil)
    }

    @Test func `are followed by so many at once`() async throws {
        let (house, event, token) = try await house()
        let places = try #require(house.dependencies.aftercare?.receiptFollowers)
        var taken: [Places.Place] = []
        // One receipt has some of the places, whoever holds its token.
        while let place = places.take(for: event.description) { taken.append(place) }
        #expect(taken.count == Limits.receiptFollowersOfOneMax)
        let own = try await house.send("GET", "/v1/receipts/\(event)/stream?token=\(token)")
        #expect(own.status == 429 && own.header("retry-after") != nil)
        taken = []
        for number in 0..<Limits.receiptFollowersMax { taken += places.take(for: "\(number)").map { [$0] } ?? [] }
        #expect(taken.count == Limits.receiptFollowersMax)
        let full = try await house.send("GET", "/v1/receipts/\(event)/stream?token=\(token)")
        #expect(full.status == 429 && full.header("retry-after") != nil)
        taken.removeLast()
        #expect(try await house.send("GET", "/v1/receipts/\(event)/stream?token=\(token)").status == 200)
    }

    @Test func `come with a script that any page may load`() async throws {
        let (house, _, _) = try await house()
        let script = try await house.send("GET", "/throughline.js")
        #expect(script.header("content-type") == "text/javascript; charset=utf-8")
        #expect(script.header("cross-origin-resource-policy") == "cross-origin")
        #expect(script.text.contains("customElements.define(\"throughline-status\""))
    }
}

@Suite struct `What a person has told already` {
    private func told(
        _ number: UInt64, session: String, _ data: JSONObject, type: EventType = .leadCaptured, source: String = "chat"
    ) -> EventRow {
        var row = Make.event(number, type: type)
        (row.event.session, row.event.data, row.event.source) = (session, data, source)
        return row
    }

    @Test func `is the newest of each field`() {
        let rows = [
            told(2, session: "s1", ["email": "ada@new.example"]),
            told(1, session: "s1", ["email": "ada@old.example", "name": "Ada", "message": "secret"]),
        ]
        #expect(Known.fields(of: rows, in: "s1", source: nil) == ["email": "ada@new.example", "name": "Ada"])
    }

    @Test func `is offered in another conversation only with consent, and to nobody who refused`() {
        let other = told(1, session: "s1", ["email": "ada@example.com"])
        #expect(Known.fields(of: [other], in: "s2", source: nil) == [:])
        let agreed = told(2, session: "s1", ["consent": true, "name": "Ada"])
        #expect(
            Known.fields(of: [agreed, other], in: "s2", source: nil) == ["name": "Ada", "email": "ada@example.com"])
        let refused = told(3, session: "s2", ["consent": "no", "phone": "1"])
        #expect(Known.fields(of: [refused, agreed, other], in: "s2", source: nil) == [:])
    }

    @Test func `holds nothing of payments, and nothing of sources that the key is not for`() {
        let paid = told(1, session: "s1", ["email": "payer@example.com"], type: .paymentSucceeded)
        let shop = told(2, session: "s1", ["name": "Ada"], source: "shop")
        #expect(Known.fields(of: [shop, paid], in: "s1", source: nil) == ["name": "Ada"])
        #expect(Known.fields(of: [shop, paid], in: "s1", source: "chat") == [:])
    }

    @Test func `is told to the product's own code`() async throws {
        let house = try await House()
        house.aftercare.set { $0.told["s/1"] = [told(1, session: "s/1", ["email": "ada@example.com"])] }
        let path = "/v1/sessions/\(PercentCoding.encode("s/1"))/known"
        #expect(try await house.send("GET", path, key: "ingest").json == ["known": ["email": "ada@example.com"]])
        #expect(try await house.send("GET", path, key: "read").status == 403)
        #expect(try await house.send("GET", path).status == 401)
    }
}
