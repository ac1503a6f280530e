import Foundation
import Model
import Sandbox
import Seams
import TestKit
import Testing

extension `The whole product`.Crashes {
    @Test func `a server with few file descriptors keeps some for itself, and one with too few does not start`()
        async throws
    {
        try await Stage.set { stage in
            var course = Course(stage, count: 60, seed: 12)
            let refusal = try await stage.server.refusal(through: ["prlimit", "--nofile=64:64"])
            #expect(refusal.status == 3)
            #expect(refusal.words.contains("Raise the limit (LimitNOFILE="), "\(refusal.words)")
            let command = try await Program.run(
                "/usr/bin/env", ["prlimit", "--nofile=12:12", ServerProcess.binary.path, "events", "list"],
                folder: stage.server.folder.path)
            #expect(command.status == 3 && command.errors.contains("Raise the limit"), "\(command)")
            try await stage.server.start(through: ["prlimit", "--nofile=256:256"])
            #expect(try await course.deliver(20) == 20)
            var idle: [IdleConnection] = []
            for _ in 0..<400 { idle.append(try IdleConnection(port: stage.server.port)) }
            let base = stage.server.base
            let answers = await withTaskGroup(of: Int?.self) { group in
                for number in 0..<20 {
                    group.addTask { await Stage.deliver(Stage.lead(number), to: base, patience: .seconds(2)) }
                }
                return await group.reduce(into: Set<Int?>()) { $0.insert($1) }
            }
            #expect(answers.subtracting([200, 429, 503, nil]).isEmpty, "\(answers)")
            #expect(stage.server.isRunning)
            for connection in idle { connection.end() }
            try await eventually("deliveries are taken again", within: 20) {
                await stage.deliver(Stage.lead(0), patience: .seconds(2)) == 200
            }
            try await course.finish()
            #expect(try await stage.server.stop() == 0)
        }
    }

    @Test(.enabled(if: Machine.clockLibrary != nil, "needs the package faketime"))
    func `a clock that is set back or months ahead loses nothing, doubles nothing and erases nothing`() async throws {
        try await Stage.set { stage in
            let (server, day) = (stage.server, Duration.seconds(86_400))
            func set(_ days: Int) throws { try server.write("\(days < 0 ? "-" : "+")\(abs(days))d", to: "clock") }
            let environment = [
                "LD_PRELOAD": Machine.clockLibrary ?? "", "FAKETIME_TIMESTAMP_FILE": server.folder.file("clock"),
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            ]
            func expectTaken(_ numbers: Range<Int>, days: Int) async throws {
                for number in numbers {
                    let now = Stage.time.now + day * days
                    #expect(await stage.deliver(Stage.lead(number), at: now) == 200, "at \(days) days")
                    #expect(await stage.deliver(Stage.lead(number), at: now) == 200, "again")
                }
                try await stage.settle()
            }
            try set(0)
            try await server.start(environment: environment)
            try await expectTaken(0..<5, days: 0)
            try set(-40)
            try await expectTaken(5..<10, days: -40)
            try set(500)
            try await expectTaken(10..<15, days: 500)
            // Retention is looked after at each start: all of it would be old by this clock.
            #expect(try await server.stop() == 0)
            try await server.start(environment: environment)
            try await eventually("the leap is noticed", within: 10) { server.log.contains("the clock has leapt ahead") }
            try await expectTaken(15..<20, days: 500)

            let kept = try await stage.all("/v1/events").compactMap { $0["external_id"]?.string }
            #expect(kept.sorted() == (0..<20).map { "lead-\($0)" }.sorted())
            for event in try await stage.all("/v1/events") {
                let id = event["id"]?.string ?? ""
                #expect(try await server.api("GET", "/v1/events/\(id)")["payload"]?.string != nil, "\(id)")
            }
            #expect(stage.contacts.count == 20)
        }
    }
}

/// A connection that says nothing.
final class IdleConnection {
    private var descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Trouble("no connection to port \(port)") }
    }

    func end() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    deinit { end() }
}
