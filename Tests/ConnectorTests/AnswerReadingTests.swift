import ConnectorKit
import Journal
import Model
import Seams
import TestKit
import Testing

@Suite struct `A Retry-After header` {
    let now = Fixture.now

    @Test func `is read as seconds`() {
        #expect(RetryAfter.duration(of: " 120 ", now: now) == .seconds(120))
        #expect(RetryAfter.duration(of: "0", now: now) == .zero)
    }

    @Test func `is read as a date`() {
        #expect(RetryAfter.duration(of: "Mon, 23 Nov 2026 10:01:30 GMT", now: now) == .seconds(90))
    }

    @Test func `that lies in the past is no wait`() {
        #expect(RetryAfter.duration(of: "Sun, 06 Nov 1994 08:49:37 GMT", now: now) == .zero)
    }

    @Test func `never asks for more than a day`() {
        #expect(RetryAfter.duration(of: "4000000000", now: now) == .seconds(86_400))
        #expect(RetryAfter.duration(of: "Mon, 23 Nov 2099 10:01:30 GMT", now: now) == .seconds(86_400))
    }

    @Test(arguments: ["", "soon", "-1", "1.5", "Mon, 23 Foo 2026 10:01:30 GMT", "23 Nov 2026 10:01:30 GMT", "1e3"])
    func `is nothing where it is neither`(_ text: String) {
        #expect(RetryAfter.duration(of: text, now: now) == nil)
    }

    @Test func `survives any text`() {
        var generator = SeededGenerator(seed: 11)
        let alphabet = Array("0123456789 ,:GMTNovMon-\u{0}é")
        for round in 0..<2_000 {
            let text = String(
                (0..<Int.random(in: 0...40, using: &generator)).compactMap { _ in
                    alphabet.randomElement(using: &generator)
                })
            let wait = RetryAfter.duration(of: text, now: now) ?? .zero
            #expect(wait >= .zero && wait <= RetryAfter.longest, "seed 11, round \(round): \(text)")
        }
    }
}

@Suite struct `A masked text` {
    let masking = Masking(words: [Redacted("s3cret-value"), Redacted("ab")])

    @Test func `takes known words out wherever they stand`() {
        #expect(masking.masked("key=s3cret-value;") == "key=••••;")
    }

    @Test func `leaves words alone that are too short to be secret`() {
        #expect(masking.masked("a table about abbots") == "a table about abbots")
    }

    @Test(arguments: [
        "mail ada@example.com now", "pat-na1-0123-4567-89ab", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI",
        "Authorization: Bearer abcdefgh12345678", "token=sk_live_51abcdefghijk", "xoxb-123456789012-abc",
    ])
    func `takes addresses and tokens out`(_ text: String) {
        let masked = masking.masked(text)
        #expect(masked.contains("••••"))
        for secret in ["ada@", "na1", "MfKQ", "abcdefgh1", "51abc", "123456789012"] {
            #expect(!masked.contains(secret))
        }
    }

    @Test(arguments: [
        "login failed: password=hunter2", "{\"password\":\"hunter2\",\"user\":\"u\"}", "client_secret: hunter2",
        "api_key = 'hunter2'", "at ?user=u&api_key=hunter2",
    ])
    func `takes out what is called a secret`(_ text: String) {
        let masked = masking.masked(text)
        #expect(masked.contains("••••"))
        #expect(!masked.contains("hunter2"))
    }

    @Test func `keeps only the host of an address`() {
        let masked = masking.masked("POST https://user:pw@hooks.slack.com/services/T0/B0/secret?x=1 failed")
        #expect(masked == "POST https://hooks.slack.com/… failed")
    }

    @Test func `keeps an ordinary sentence`() {
        let text = "Property \"company_size\" does not exist (correlation 5e1c9a3e-1f2b-4c3d-8e9f-0123456789ab)"
        #expect(masking.masked(text) == text)
        #expect(masking.masked("The password is too short.") == "The password is too short.")
    }

    @Test func `cuts to what the journal keeps`() {
        #expect(masking.masked(String(repeating: "é ", count: 10_000)).utf8.count <= Limits.storedErrorMax)
    }
}

@Suite struct `An unknown end` {
    @Test func `stays unknown when a retry fails`() {
        let verdict = Verdict.transient(.init("connect", "refused"), mayHaveHappened: false)
        guard case .transient(_, mayHaveHappened: true, _) = verdict.remembering(.lookFirst) else {
            Issue.record("forgotten")
            return
        }
        #expect(verdict.remembering(.first) == verdict)
    }
}
