import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

extension `The whole product` {
    @Suite(.timeLimit(.minutes(10))) struct `The console in a browser` {}
}

/// A real browser and the tools that drive it, where they are installed (`script/test` installs them).
enum Browser {
    static let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }
    static let python = SourceTree.root.appending(path: ".build/test-tools/bin/python").path

    static var isThere: Bool {
        let packages = SourceTree.root.appending(path: ".build/test-tools/bin/playwright").path
        return chromium != nil && FileManager.default.isExecutableFile(atPath: packages)
    }

    /// Runs the script and returns its status and what it said.
    static func run(_ environment: [String: String], output: String) async throws -> (status: Int32, words: String) {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = [SourceTree.root.appending(path: "Tests/Browser/console.py").path]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        guard FileManager.default.createFile(atPath: output, contents: nil) else {
            throw Trouble("cannot make \(output)")
        }
        let handle = try FileHandle(forWritingTo: URL(filePath: output))
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        try await eventually("the browser is done", within: 480) { !process.isRunning }
        return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8))
    }
}

extension `The whole product`.`The console in a browser` {
    /// `THROUGHLINE_SHOTS` names a folder for the pictures of every page.
    @Test(.enabled(if: Browser.isThere, "Chromium or Playwright is not installed; script/test installs both"))
    func `serves a person from sign-in to sign-out, by day and by night, large and small, with and without script`()
        async throws
    {
        try await Stage.set { stage in
            let past = Stage.time.now - .seconds(3600)
            let lost = StripePurchase(
                tag: "lost", email: "lost@example.com", name: "Lou", amount: 4900, startedAt: past)
            _ = stage.standIns.change("stripe", as: StripeStandIn.self) { stripe in
                stripe.record(lost.paymentSucceeded(at: past))
                stripe.record(lost.chargeSucceeded(at: past))
            }
            try await stage.server.start()
            let (email, password) = ("ada@acme.example", "a password for acting")
            _ = try await stage.server.api(
                "POST", "/v1/users",
                body: ["email": .string(email), "role": "admin", "password": .string(password)])
            let key = try await stage.server.api("POST", "/v1/keys", body: ["scope": "ingest"])["key"]?.string ?? ""
            let shots = ProcessInfo.processInfo.environment["THROUGHLINE_SHOTS"] ?? stage.server.folder.file("shots")
            try FileManager.default.createDirectory(atPath: shots, withIntermediateDirectories: true)
            let (status, words) = try await Browser.run(
                [
                    "BASE": stage.server.base, "EMAIL": email, "PASSWORD": password, "KEY": key,
                    "SANDBOX": "http://127.0.0.1:\(stage.sandbox)", "CHROMIUM": Browser.chromium ?? "", "SHOTS": shots,
                ], output: stage.server.folder.file("browser.log"))
            #expect(status == 0, "\(words)")
            #expect(words.contains("- sign out closes the door"))
        }
    }
}
