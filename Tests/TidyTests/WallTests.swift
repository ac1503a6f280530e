import Foundation
import Testing

@Suite struct `The walls between rooms` {
    @Test func `rooms of the street meet in the journal and nowhere else`() throws {
        let rooms: Set = ["Intake", "Planning", "Jobs", "Trail", "Watch", "Reconciliation"]
        for file in try SourceTree.swiftFiles(under: "Sources") where rooms.contains(file.room) {
            for name in file.imports where name != file.room {
                #expect(!rooms.contains(name), "\(file.path) imports \(name)")
            }
        }
    }

    @Test func `only the store knows its engine`() throws {
        for file in try SourceTree.swiftFiles(under: "Sources") where file.room != "JournalSQLite" {
            #expect(!file.imports.contains("GRDB"), "\(file.path) imports GRDB")
        }
        for file in try SourceTree.swiftFiles(under: "Sources") where file.room != "JournalPostgres" {
            #expect(!file.imports.contains("CPostgres"), "\(file.path) imports CPostgres")
        }
    }

    @Test func `only the executable wires`() throws {
        let stores: Set = ["JournalSQLite", "JournalPostgres", "Connectors", "Planning", "Sandbox"]
        // The simulator wires the engine a second time, to run it as it is.
        let wirers: Set = ["throughline", "Sandbox", "Simulation"]
        for file in try SourceTree.swiftFiles(under: "Sources") where !wirers.contains(file.room) {
            for name in file.imports where !file.room.hasPrefix(name) {
                #expect(!stores.contains(name), "\(file.path) imports \(name)")
                #expect(name != "throughline", "\(file.path) imports throughline")
            }
        }
    }

    @Test func `no provider names another's types`() throws {
        let providers = ["HubSpot", "Zendesk", "Slack", "Stripe"]
        for file in try SourceTree.swiftFiles(under: "Sources/Connectors") {
            guard let own = providers.first(where: { file.room == "Connectors/\($0)" }) else { continue }
            for (number, line) in file.lines.enumerated() {
                for other in providers where other != own {
                    #expect(!line.contains(other), "\(file.path):\(number + 1) names \(other)")
                }
            }
        }
    }
}

@Suite struct `The bans` {
    /// What no line of our sources may hold, and where it may all the same.
    private static let bans: [(pattern: String, allowedIn: [String], why: String)] = [
        ("try!", [], "input could reach it"),
        ("fatalError(", [], "input could reach it"),
        ("Task.detached", [], "an unstructured task breaks determinism"),
        ("Task {", [], "an unstructured task breaks determinism"),
        (
            "Task.sleep", ["Sources/Seams/TimeSource.swift", "Sources/throughline/Bench/LoadGenerator.swift"],
            "time comes in through TimeSource"
        ),
        ("Date()", [], "time comes in through TimeSource"),
        ("UUID()", [], "ids come in through IDMint"),
        (".random(", [], "chance comes in through ChanceSource"),
        ("TODO", [], "what is open belongs in the tracker"),
        ("FIXME", [], "what is open belongs in the tracker"),
        ("catch {}", [], "an error is returned, not swallowed"),
        ("CancellationError {}", [], "a silence is explained"),
        ("print(", [], "logs go through the logger, output through Terminal"),
    ]

    @Test(arguments: bans.indices)
    func `hold in every source file`(index: Int) throws {
        let ban = Self.bans[index]
        for file in try SourceTree.swiftFiles(under: "Sources")
        where !ban.allowedIn.contains(file.path) && !(ban.pattern == "print(" && file.room == "throughline-sim") {
            for (number, line) in file.lines.enumerated() {
                // A child of a group has a parent; only a bare task has none.
                let code = line.components(separatedBy: "//")[0].replacing("addTask {", with: "")
                let isMember = ban.pattern == "print(" && (code.contains(".print(") || code.contains("func print("))
                #expect(
                    !code.contains(ban.pattern) || isMember,
                    "\(file.path):\(number + 1) has \(ban.pattern): \(ban.why)")
            }
        }
    }

    @Test func `a swallowed error says why`() throws {
        for file in try SourceTree.swiftFiles(under: "Sources") {
            for (number, line) in file.lines.enumerated() where line.contains("try?") {
                let around = file.lines[max(0, number - 3)...number].joined()
                #expect(around.contains("//"), "\(file.path):\(number + 1) swallows an error without saying why")
            }
        }
    }
}
