import Foundation
import TestKit

/// Commands of the system by which a test makes the machine worse.
enum Machine {
    /// Runs a command to its end; whether it succeeded.
    @discardableResult
    static func run(_ command: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = (environment["PATH"] ?? "") + ":/usr/sbin:/sbin"
        process.environment = environment
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    static let isRoot = geteuid() == 0

    /// Whether this machine lets us mount (root alone is not enough in some containers).
    static let mounts: Bool = {
        guard isRoot, let folder = try? TemporaryFolder() else { return false }
        guard run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path) else { return false }
        return run("umount", "-l", folder.path)
    }()

    /// Whether a file system can be broken under a running server: an ext4 of our own on a loop device.
    static let breaksFileSystems: Bool = {
        guard mounts, let folder = try? TemporaryFolder(), let disk = try? Mount(ext4: folder.file("disk")) else {
            return false
        }
        return disk.hasSwitch
    }()

    /// Becomes a user who may do nothing special; as root, who may write everything, read-only files are none.
    static let unprivileged = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []

    static let isUnprivilegedPossible: Bool = {
        let command = unprivileged + [ServerProcess.binary.path, "--version"]
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// Gives a folder and all in it to that user.
    static func giveAway(_ folder: String) { if isRoot { run("chown", "-R", "65534:65534", folder) } }

    /// The library that tells a process another time (Debian's `faketime`).
    static let clockLibrary: String? = ["x86_64", "aarch64"].map {
        "/usr/lib/\($0)-linux-gnu/faketime/libfaketimeMT.so.1"
    }.first { FileManager.default.fileExists(atPath: $0) }
}

/// A disk of its own for a test, taken away with the value.
final class Mount {
    let path: String
    private var image: String?

    /// A small disk in memory.
    init(tmpfs path: String, size: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Machine.run("mount", "-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path) else {
            throw Trouble("no tmpfs at \(path)")
        }
    }

    /// A file system in a file, which turns read-only at an error, as servers' disks do.
    init(ext4 path: String) throws {
        self.path = path
        let image = path + ".image"
        self.image = image
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard Machine.run("truncate", "-s", "48M", image), Machine.run("mkfs.ext4", "-q", image), mount() else {
            throw Trouble("no ext4 at \(path)")
        }
    }

    private func mount() -> Bool { Machine.run("mount", "-o", "loop,errors=remount-ro", image ?? "", path) }

    /// The kernel's switch that reports an error of this file system.
    private var errorSwitch: String? {
        let table = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
        let device = table.split(separator: "\n").map { $0.split(separator: " ") }.last {
            $0.count > 1 && $0[1] == path
        }
        return device.map { "/sys/fs/ext4/\($0[0].split(separator: "/").last ?? "")/trigger_fs_error" }
    }

    var hasSwitch: Bool { errorSwitch.map { FileManager.default.isWritableFile(atPath: $0) } ?? false }

    /// The file system meets an error and turns read-only.
    func fail() throws {
        guard let errorSwitch else { throw Trouble("\(path) is not mounted") }
        try "throughline test".write(toFile: errorSwitch, atomically: false, encoding: .utf8)
    }

    /// What the person in charge does then.
    func repair() throws {
        guard let image, Machine.run("umount", path) else { throw Trouble("\(path) does not let go") }
        Machine.run("e2fsck", "-fy", image)
        guard mount() else { throw Trouble("\(path) cannot be mounted again") }
    }

    /// Leaves no byte free; `free` gives them back.
    func fill() throws {
        let ballast = path + "/ballast"
        guard FileManager.default.createFile(atPath: ballast, contents: nil) else { throw Trouble("no ballast") }
        let file = try FileHandle(forWritingTo: URL(filePath: ballast))
        for size in [64 << 10, 4096, 1] {
            while (try? file.write(contentsOf: Data(repeating: 0, count: size))) != nil {}
        }
        try file.close()
    }

    func free() throws { try FileManager.default.removeItem(atPath: path + "/ballast") }

    deinit { Machine.run("umount", "-l", path) }
}
