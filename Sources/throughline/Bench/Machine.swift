import Foundation
import Model
import Watch

/// What the figures were measured on.
struct Machine: Sendable {
    var cores = ProcessInfo.processInfo.activeProcessorCount
    var processor = Self.processorName
    var kernel = Self.kernelName
    /// Where the journal lies.
    var folder: String
    /// A folder in memory makes nothing durable, and its figures say nothing.
    var isInMemory: Bool { Self.isInMemory(folder) }

    init(folder: String) { self.folder = folder }

    static var residentBytes: Int? { ProcessMemory.residentBytes() }

    var text: String { "\(cores) cores, \(processor), \(kernel)" }

    private static var processorName: String {
        let text = FileManager.default.contents(atPath: "/proc/cpuinfo").map { String(decoding: $0, as: UTF8.self) }
        let line = (text ?? "").split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
        return name ?? "unknown processor"
    }

    private static var kernelName: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown kernel" }
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(names.sysname)) \(text(names.release)) \(text(names.machine))"
    }

    /// By the longest mount point that leads to the folder; false where the system does not list them.
    private static func isInMemory(_ folder: String) -> Bool {
        let text = FileManager.default.contents(atPath: "/proc/mounts").map { String(decoding: $0, as: UTF8.self) }
        let mounts = (text ?? "").split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count > 2 }
        let path = folder.hasSuffix("/") ? folder : folder + "/"
        let holding = mounts.filter { path.hasPrefix($0[1].hasSuffix("/") ? String($0[1]) : $0[1] + "/") }
        return holding.max { $0[1].utf8.count < $1[1].utf8.count }?[2] == "tmpfs"
    }
}
