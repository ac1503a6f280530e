package import Foundation

/// Public reference data that may lie beside the project.
///
/// It is looked for at `../shared/data`, or where `THROUGHLINE_REFERENCE_DATA` points. Tests that use it skip by name
/// where it is missing.
package enum ReferenceData {
    package static func url(_ path: String) -> URL? {
        let root =
            ProcessInfo.processInfo.environment["THROUGHLINE_REFERENCE_DATA"].map { URL(filePath: $0) }
            ?? URL(filePath: #filePath).appending(path: "../../../../shared/data").standardized
        let url = root.appending(path: path)
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }

    package static func isPresent(_ path: String) -> Bool { url(path) != nil }
}
