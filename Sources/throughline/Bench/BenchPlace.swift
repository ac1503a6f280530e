import Foundation
import JournalPostgres
import Model

/// A fresh folder, and the fresh journal of the server that is measured in it.
struct BenchPlace: Sendable {
    let folder: String
    /// Nil: the journal is a file in the folder.
    let database: ScratchDatabase?

    /// Makes it; on Postgres a database of its own on the server of `postgres`.
    init(folder: String, name: String, postgres: String?) throws {
        self.folder = folder + "/throughline-bench-\(getpid())-\(name)"
        let name = "throughline_bench_\(getpid())_\(name)"
        database = try postgres.map {
            try ScratchDatabase(onServerOf: $0, name: name.replacing("-", with: "_"))
        }
    }

    var journal: String { database == nil ? "sqlite:\(Self.journalName)" : "env:DATABASE_URL" }
    var secrets: String { database.map { "DATABASE_URL=\($0.url)\n" } ?? "" }

    private static let journalName = "throughline.db"

    /// What the journal takes, with its indexes.
    func journalSize() throws -> Int {
        if let database {
            let size = try database.size()
            return Int(size.tables + size.indexes)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + Self.journalName)
        return (attributes[.size] as? NSNumber)?.intValue ?? 0
    }

    /// What cannot be removed is left to its owner: the measurement is over.
    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
        try? database?.remove()
    }
}
