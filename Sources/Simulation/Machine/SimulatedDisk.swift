package import CFaultyDisk
internal import Model

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A disk in memory under the journal, with one file on it.
///
/// The lock that keeps a journal to one owner is a real file in a folder of its own, which is taken away at the end.
///
/// `@unchecked Sendable`: used by one run at a time, on its one thread.
package final class SimulatedDisk: @unchecked Sendable {
    package let path: String
    private let folder: String
    private let disk: OpaquePointer

    package init() throws {
        let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(root)/throughline-sim-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.unavailable, "No folder for the journal's lock can be made below \(root). Set TMPDIR.")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = folder + "/journal.db"
        guard let disk = faulty_disk_make(path) else {
            rmdir(folder)
            throw Failure(.unavailable, "SQLite takes no simulated disk, or there is no memory for one.")
        }
        self.disk = disk
    }

    deinit {
        faulty_disk_free(disk)
        unlink(path + ".lock")
        unlink(path + "-wal")
        rmdir(folder)
    }

    var operations: UInt64 { faulty_disk_operations(disk) }
    var faultsHit: UInt64 { faulty_disk_faults_hit(disk) }
    var lastFault: String { String(cString: faulty_disk_last_fault(disk)) }
    var openFiles: Int { faulty_disk_open_files(disk) }
    /// What SQLite finds wrong with the journal in its whole check of it; nil where it is sound.
    package var damage: String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 500) { words in
            guard faulty_disk_is_damaged(disk, words.baseAddress, words.count) else { return nil }
            return words.baseAddress.map { String(cString: $0) }
        }
    }
    var isStopped: Bool { faulty_disk_is_stopped(disk) }

    package func keep() { faulty_disk_keep(disk) }
    package func restore(seed: UInt64) { faulty_disk_restore(disk, seed) }
    package func set(_ faults: faulty_disk_faults) { faulty_disk_set_faults(disk, faults) }
    package func stop(after operations: Int) { faulty_disk_stop_after(disk, UInt64(operations)) }
    package func stop() { faulty_disk_stop(disk) }
    package func start(losingPower: Bool) { faulty_disk_start(disk, losingPower) }
}
