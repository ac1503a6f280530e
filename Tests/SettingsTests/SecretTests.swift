import Model
import Settings
import Testing

@Suite struct `Secrets` {
    private func use(_ reference: SecretReference, _ key: String = "sources.a.secrets[0]") -> SecretUse {
        SecretUse(reference: reference, key: key, line: 7)
    }

    private func reader(_ environment: [String: String], files: [String: String] = [:]) -> SecretReader {
        SecretReader(environment: environment, file: "throughline.yaml") { files[$0].map { Array($0.utf8) } }
    }

    @Test func `come from the environment and from files`() {
        let reading = reader(["A": "one"], files: ["secrets/b": "two\n"])
            .resolve([use(.environment("A")), use(.file(path: "secrets/b"))])
        #expect(reading.problems == [])
        #expect(reading.secrets[.environment("A")]?.revealed == "one")
        #expect(reading.secrets[.file(path: "secrets/b")]?.revealed == "two")
        #expect("\(reading)".contains("one") == false)
    }

    @Test func `that are missing are all named, with the key that needs them`() {
        let reading = reader(["EMPTY": "  "])
            .resolve([use(.environment("A")), use(.environment("EMPTY"), "b"), use(.file(path: "c"), "c")])
        #expect(
            reading.errors.map(\.description) == [
                "throughline.yaml:7:1: sources.a.secrets[0]: the variable A is not set; set A in the environment or in "
                    + ".env beside throughline.yaml",
                "throughline.yaml:7:1: b: env:EMPTY is empty; set EMPTY in the environment or in .env beside "
                    + "throughline.yaml",
                "throughline.yaml:7:1: c: the file c cannot be read; put the secret there, readable for this user; "
                    + "paths are relative to throughline.yaml",
            ])
    }

    @Test func `lose the blanks at their ends, with a warning`() {
        let reading = reader(["A": " key\n"], files: ["b": "key\r\n"])
            .resolve([use(.environment("A")), use(.file(path: "b"), "b")])
        #expect(reading.secrets[.environment("A")]?.revealed == "key")
        #expect(reading.secrets[.file(path: "b")]?.revealed == "key")
        #expect(reading.warnings.map(\.key) == ["sources.a.secrets[0]", "b"])
        #expect(reading.errors == [])
    }

    @Test func `in files are text of a bounded size`() {
        let files: [String: [UInt8]] = [
            "large": [UInt8](repeating: 0x61, count: SecretReader.secretSizeMax + 1), "binary": [0xFF, 0xFE],
        ]
        let reader = SecretReader(environment: [:], file: "t.yaml") { files[$0] }
        let reading = reader.resolve([use(.file(path: "large")), use(.file(path: "binary"))])
        #expect(
            reading.errors.map(\.message) == [
                "the file large holds no text of at most 64 KiB", "the file binary holds no text of at most 64 KiB",
            ])
    }

    @Test func `of a source stand in the order of the file`() throws {
        let settings = try #require(
            read("product: A\nsources: { s: { kind: stripe, secrets: [env:NEW, env:OLD] } }").settings)
        let secrets = reader(["OLD": "o", "NEW": "n"]).resolve([use(.environment("OLD")), use(.environment("NEW"))])
        #expect(secrets.secrets.bySource(settings)["s"]?.map(\.revealed) == ["n", "o"])
    }

    @Test func `of the process win over those of .env, unless empty`() {
        let merged = SecretReader.merged(
            process: ["A": "process", "B": ""], dotEnv: ["A": "file", "B": "file", "C": "file"])
        #expect(merged == ["A": "process", "B": "file", "C": "file"])
    }

    @Test func `are written fresh, and read back`() {
        let random = Array(UInt8(0)...31)
        #expect(Starter.secret(random) == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        #expect(Starter.secret([0xFF]) == "whsec_/w==")
        #expect(Starter.secret([0xFB, 0xEF]) == "whsec_++8=")
        let reading = DotEnv.parse(Starter.environment(chatRandom: random, hookRandom: [1]))
        #expect(reading.problems == [])
        #expect(reading.values["CHAT_SECRET"] == Starter.secret(random))
        #expect(reading.values["HOOK_SECRET"] == "whsec_AQ==")
        #expect(reading.values["STRIPE_WEBHOOK_SECRET"] == "")
    }
}

@Suite struct `A .env file` {
    @Test(arguments: [
        ("A=b", "b"), ("A = b ", "b"), ("export A=b", "b"), ("A=b # c", "b"), ("A=b#c", "b#c"), ("A=", ""),
        ("A= # c", ""), ("A='b # c'", "b # c"), ("A=\"b\\n\\\"c\\\\\"", "b\n\"c\\"), ("A='\\n'", "\\n"),
        ("A=b\r", "b"), ("A=x=y==", "x=y=="), ("A='b' # c", "b"), ("A=1\nA=2", "2"), ("# A=1\n\nA=3", "3"),
        ("A=\"\\$x\"", "$x"), ("A=\" b \"", " b "),
    ])
    func `gives its values`(text: String, value: String) {
        let reading = DotEnv.parse(text)
        #expect(reading.values == ["A": value])
        #expect(reading.problems == [])
    }

    @Test(arguments: [
        "hunter2", "1A=hunter2", "A B=hunter2", "A='hunter2", "A=\"hunter2\\\"", "A='hunter2' x", "=hunter2",
    ])
    func `names the line that it cannot read, never its text`(line: String) {
        let reading = DotEnv.parse("B=1\n\(line)")
        #expect(reading.values == ["B": "1"])
        #expect(reading.problems.map(\.line) == [2])
        #expect(!reading.problems.contains { $0.description.contains("hunter2") })
    }
}
