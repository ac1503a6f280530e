import Foundation
import TestKit
import Testing

extension `The whole product`.Crashes {
    private func damage(_ path: String) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        let pages = try Int(file.seekToEnd() / 4096)
        for page in stride(from: 4, to: pages, by: 2) {
            try file.seek(toOffset: UInt64(page * 4096))
            try file.write(contentsOf: Data(repeating: 0xAB, count: 1024))
        }
        try file.close()
    }

    @Test func `a damaged page is found at the start, and a backup brings the journal back`() async throws {
        try await Stage.set { stage in
            let (server, files) = (stage.server, FileManager.default)
            let path = server.folder.file("throughline.db")
            var course = Course(stage, count: 20, seed: 8)
            try await server.start()
            #expect(try await course.deliver(20) == 20)
            try await stage.settle()
            #expect(try await server.run("backup", "copy.db").status == 0)
            #expect(try await server.stop() == 0)

            try damage(path)
            let refusal = try await server.refusal()
            #expect(refusal.status == 3)
            #expect(refusal.words.contains("is damaged. Stop the server and restore a backup"), "\(refusal.words)")

            try files.moveItem(atPath: path, toPath: path + ".damaged")
            try files.copyItem(atPath: server.folder.file("copy.db"), toPath: path)
            try await course.finish()
        }
    }

    @Test func `a page that is damaged under the server ends the taking in of deliveries`() async throws {
        try await Stage.set { stage in
            let server = stage.server
            var course = Course(stage, count: 60, seed: 9)
            try await server.start()
            #expect(try await course.deliver(100) == 100)
            try await stage.settle()
            // So that all is in the file, and nothing in memory.
            #expect(try await server.stop() == 0)
            try await server.start()
            try damage(server.folder.file("throughline.db"))
            // Whatever reads it first finds it: here a person who looks at the events.
            _ = try? await stage.all("/v1/events")
            _ = try? await stage.all("/v1/jobs")
            let answers = try await course.answers(to: 10)
            #expect(Set(answers.keys) == [503], "\(answers)")
            try await eventually("the server says why", within: 5) {
                try await server.unreadiness()?.contains("is damaged") == true
            }
            try await server.kill()
            let refusal = try await server.refusal()
            #expect(refusal.status == 3)
            #expect(refusal.words.contains("is damaged. Stop the server and restore a backup"), "\(refusal.words)")
        }
    }

    @Test func `a log that is gone, cut off or another's is missed at the start, and put back it loses nothing`()
        async throws
    {
        try await Stage.set { stage in
            let log = URL(filePath: stage.server.folder.file("throughline.db-wal"))
            var course = Course(stage, count: 40, seed: 10)
            course.fail(share: 0.2)
            try await stage.server.start()
            _ = try await course.deliver(20)
            try await stage.server.kill()
            var other = try Data(contentsOf: log)
            try await stage.server.start()
            _ = try await course.deliver(20)
            try await stage.server.kill()
            let whole = try Data(contentsOf: log)
            other.append(contentsOf: whole.dropFirst(other.count))

            let states: [(Data?, String)] = [
                (nil, "is gone or unreadable"), (whole.prefix(whole.count / 2), "is cut off or damaged"),
                (other, "start again"), (Data(), "is gone or unreadable"),
            ]
            for (state, words) in states {
                if let state { try state.write(to: log) } else { try FileManager.default.removeItem(at: log) }
                let refusal = try await stage.server.refusal()
                #expect(refusal.status == 3)
                #expect(refusal.words.contains(words), "\(refusal.words)")
            }
            try whole.write(to: log)
            try await course.finish()
        }
    }
}
