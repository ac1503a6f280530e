internal import Foundation

/// A fresh folder that is removed when the value goes.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "throughline-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    package func file(_ name: String) -> String { path + "/" + name }

    deinit {
        // Nothing can be done about a leftover in the temporary folder, and the system clears it.
        try? FileManager.default.removeItem(atPath: path)
    }
}
