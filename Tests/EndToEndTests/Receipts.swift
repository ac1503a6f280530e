import Foundation
import Model
import Sandbox
import TestKit
import Testing

@testable import throughline

extension `The whole product` {
    @Suite struct `What an end user sees` {
        private static let python = ProjectFolder.file(".build/test-tools/bin/python")
        private static let chromium = Program.find("chromium")

        @Test(.enabled(if: chromium != nil && FileManager.default.isExecutableFile(atPath: python)))
        func `is true in a real browser, on the sample page`() async throws {
            let chromium = try #require(Self.chromium)
            let page = try FreePort.find()
            let receipts = """
                receipts: { contact: help@acme.example, slow_after: 3s, origins: "http://127.0.0.1:\(page)" }
                """
            try await Stage.set(also: receipts) { stage in
                try await stage.server.start()
                let made = try await stage.server.run("keys", "create", "--scope", "ingest")
                let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
                let outcome = try await Program.run(
                    Self.python,
                    [
                        ProjectFolder.file("Tests/Browser/receipts.py"), chromium, "\(page)", stage.server.base, key,
                        "http://127.0.0.1:\(stage.sandbox)",
                    ])
                #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors.suffix(3000))")
                #expect(outcome.output.split(separator: "\n").count == 11, "\(outcome.output)")
            }
        }
    }
}
