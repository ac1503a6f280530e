import Foundation
import TestKit
import Testing

extension `The whole product`.Crashes {
    @Test(.enabled(if: Machine.mounts, "needs root, to mount a small disk"))
    func `a full disk loses nothing and doubles nothing, and with free space the server goes on by itself`()
        async throws
    {
        try await Stage.set(journal: "sqlite:disk/throughline.db") { stage in
            let disk = try Mount(tmpfs: stage.server.folder.file("disk"), size: "16m")
            var course = Course(stage, count: 60, seed: 5)
            try await stage.server.start()
            #expect(try await course.deliver(20) == 20)
            try disk.fill()
            let answers = try await course.answers(to: 40)
            #expect(Set(answers.keys).subtracting([200, 503]).isEmpty, "\(answers)")
            #expect(answers[503, default: 0] > 0, "\(answers)")
            try await eventually("the server says why", within: 5) {
                try await stage.server.unreadiness()?.contains("is full. Make free space") == true
            }

            try disk.free()
            try await eventually("the server takes deliveries again", within: 10) {
                try await stage.server.unreadiness() == nil
            }
            #expect(try await course.deliver(20) == 20)

            try disk.fill()
            _ = try await course.deliver(40)
            try await stage.server.kill()
            // It may find the little that a start takes; else it says what is wrong.
            try stage.server.launch()
            try? await stage.server.isReady()
            if !stage.server.isRunning {
                let refusal = try await stage.server.refusal()
                #expect(refusal.status == 3)
                #expect(refusal.words.contains("is full. Make free space"), "\(refusal.words)")
            }
            try disk.free()
            try await course.finish()
            withExtendedLifetime(disk) {}
        }
    }

    enum Protected: String, CaseIterable { case file, folder }

    @Test(
        .enabled(if: Machine.isUnprivilegedPossible, "needs a user who may not write everything"),
        arguments: Protected.allCases)
    func `a journal that may not be written is refused with what to do, and unharmed`(what: Protected) async throws {
        try await Stage.set(journal: "sqlite:disk/throughline.db") { stage in
            let folder = stage.server.folder.file("disk")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            Machine.giveAway(stage.server.folder.path)
            var course = Course(stage, count: 20, seed: 6)
            try await stage.server.start(through: Machine.unprivileged)
            #expect(try await course.deliver(20) == 20)
            try await stage.server.kill()

            let (path, usual, less) =
                what == .file ? (folder + "/throughline.db", 0o600, 0o400) : (folder, 0o755, 0o555)
            // As after a restore by another user: what lies beside the file is not there yet.
            if what == .folder {
                try await stage.server.start(through: Machine.unprivileged)
                #expect(try await stage.server.stop() == 0)
                try FileManager.default.removeItem(atPath: folder + "/throughline.db.lock")
            }
            try FileManager.default.setAttributes([.posixPermissions: less], ofItemAtPath: path)
            let refusal = try await stage.server.refusal(through: Machine.unprivileged)
            #expect(refusal.status == 3)
            #expect(refusal.words.lowercased().contains("give this user write access"), "\(refusal.words)")
            try FileManager.default.setAttributes([.posixPermissions: usual], ofItemAtPath: path)
            try await stage.server.start(through: Machine.unprivileged)
            try await course.finish()
        }
    }

    @Test(.enabled(if: Machine.breaksFileSystems, "needs root, a loop device and ext4"))
    func `a file system that turns read-only under the server takes nothing, and all is there when it is mended`()
        async throws
    {
        try await Stage.set(journal: "sqlite:disk/throughline.db") { stage in
            let disk = try Mount(ext4: stage.server.folder.file("disk"))
            var course = Course(stage, count: 40, seed: 7)
            try await stage.server.start()
            #expect(try await course.deliver(30) == 30)
            let known = course.acknowledged
            try disk.fail()
            let answers = try await course.answers(to: 30)
            // What is on the disk already may be told so again; nothing new may.
            #expect(Set(answers.keys).isSubset(of: [503, 200]) && answers[503] != nil, "\(answers)")
            #expect(course.acknowledged == known)
            try await eventually("the server is not ready", within: 5) { try await stage.server.unreadiness() != nil }
            try await stage.server.kill()
            let refusal = try await stage.server.refusal()
            #expect(refusal.status == 3)
            #expect(refusal.words.contains("Give this user write access"), "\(refusal.words)")
            try disk.repair()
            try await course.finish()
            #expect(try await stage.server.stop() == 0)
            withExtendedLifetime(disk) {}
        }
    }
}
