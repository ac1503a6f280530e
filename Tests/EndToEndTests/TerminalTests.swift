import Model
import Testing

@testable import throughline

@Suite struct `Words on a terminal` {
    @Test(
        arguments: [
            "plain, naïve, 👩‍💻\n": "plain, naïve, 👩‍💻\n", "a\u{1B}[2Jb": "a\u{FFFD}[2Jb",
            "\u{1B}]0;title\u{7}": "\u{FFFD}]0;title\u{FFFD}",
            "\u{1B}[31mred\u{1B}[0m": "\u{1B}[31mred\u{1B}[0m", "abc\rxyz": "abc\u{FFFD}xyz",
            "a\u{202E}b": "a\u{FFFD}b", "\u{1B}[8mhidden": "\u{FFFD}[8mhidden",
        ])
    func `cannot make it do things`(said: String, shown: String) {
        #expect(Terminal.plain(said) == shown)
    }

    @Test func `stay in their cell, however many lines somebody sent`() {
        let item: JSONObject = ["type": "x\ntqu_forged  quarantined\r\nX-Evil: 1"]
        #expect(item.cell("type") == "x ⏎ tqu_forged  quarantined ⏎ X-Evil: 1")
        #expect(item.cell("absent") == "-")
    }

    @Test func `have no colour where there is none`() {
        #expect(Terminal.plain("\u{1B}[31mred", keepsStyles: false) == "\u{FFFD}[31mred")
    }
}
