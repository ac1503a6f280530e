import Journal
import Model
import Testing

@Suite struct `A word that names a person` {
    private func isNamed(_ word: String, _ text: String) -> Bool { Naming.isNamed(by: word, in: Array(text.utf8)) }

    @Test(arguments: [
        #"{"email":"bob@example.com"}"#, "bob@example.com", "Mail bob@example.com.", "<bob@example.com>, and others",
        #"{"text":"line\nbob@example.com"}"#, #"\u003cbob@example.com\u003e"#, "jim-bob@example.com or bob@example.com",
        "bob@example.com--", "mailto:bob@example.com?subject=x",
    ])
    func `is found where it stands whole`(text: String) { #expect(isNamed("bob@example.com", text)) }

    @Test(arguments: [
        "jimbob@example.com", "jim.bob@example.com", "jim-bob@example.com", "jim+bob@example.com", "bob@example.common",
        "bob@example.com.au", "bob@example.co", "ébob@example.com", "",
    ])
    func `is not found within another's`(text: String) { #expect(!isNamed("bob@example.com", text)) }

    @Test func `is found among its own signs`() {
        #expect(isNamed("------", String(repeating: "-", count: 100_000)))
    }

    @Test func `is one that is long enough to be theirs alone`() {
        #expect(
            Naming.words(typed: [["email": "Ada@Example.com", "name": "Ada"]], known: ["u_1", "sess_81"])
                == ["Ada@Example.com", "sess_81"])
        #expect(!isNamed("sess_81", "sess_812") && isNamed("sess_81", #""sess_81""#))
    }
}
