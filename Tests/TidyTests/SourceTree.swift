import Foundation

/// Our own sources, read as text.
struct SourceTree {
    struct File {
        var path: String
        var lines: [String]

        /// The room: the first folder under `Sources` (`Connectors/HubSpot` for a provider).
        var room: String {
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count > 2, parts[0] == "Sources" else { return "" }
            return parts[1] == "Connectors" && parts.count > 3 ? "Connectors/\(parts[2])" : parts[1]
        }

        var imports: [String] {
            lines.compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count else {
                    return nil
                }
                return words[index + 1]
            }
        }
    }

    static let root = URL(filePath: #filePath).appending(path: "../../..").standardized

    static func swiftFiles(under folder: String) throws -> [File] {
        let base = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        return try walk.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map { url in
            File(
                path: String(url.standardized.path.dropFirst(root.path.count + 1)),
                lines: try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\n"))
        }
    }
}
