import Foundation
import Model
import Supabase

/// The product's own repository, into which files are laid: never over one that is there.
struct ProductFolder {
    enum Laid { case written, unchanged, differs }

    let path: String

    init(_ path: String) { self.path = path }

    /// Lays a file down; one that says something else stays.
    func lay(_ file: KitFile) throws -> Laid {
        if let there = try text(of: file.path) { return there == file.text ? .unchanged : .differs }
        try create(file.path, file.text)
        return .written
    }

    /// Writes a migration behind all others, unless the newest of its name says the same.
    func write(migration: String, named title: String, at now: Instant) throws -> (path: String, isNew: Bool) {
        let folder = MigrationFolder(names: try names(in: MigrationFolder.path))
        if let newest = folder.newest(named: title) {
            let file = "\(MigrationFolder.path)/\(newest)"
            if try text(of: file) == migration { return (file, false) }
        }
        let file = "\(MigrationFolder.path)/\(folder.next(named: title, at: now))"
        try create(file, migration)
        return (file, true)
    }

    /// Puts text behind a file that is there.
    func append(_ text: String, to file: String) throws {
        guard let handle = FileHandle(forWritingAtPath: path + "/" + file) else { throw unwritable(file) }
        do {
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        } catch {
            throw unwritable(file)
        }
    }

    /// Nil where there is no such file.
    func text(of file: String) throws -> String? {
        let whole = path + "/" + file
        guard let bytes = FileManager.default.contents(atPath: whole) else {
            guard !FileManager.default.fileExists(atPath: whole) else {
                throw Failure(
                    .unavailable, "\(whole) is there, but this user may not read it. Check its owner and mode.")
            }
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func names(in folder: String) throws -> [String] {
        let whole = path + "/" + folder
        guard FileManager.default.fileExists(atPath: whole) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: whole)
        } catch {
            throw Failure(.unavailable, "\(whole) is there, but this user may not list it. Check its owner and mode.")
        }
    }

    /// The file as a whole or not at all.
    private func create(_ file: String, _ text: String) throws {
        let url = URL(filePath: path).appending(path: file)
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url, options: .atomic)
        } catch {
            throw unwritable(file)
        }
    }

    private func unwritable(_ file: String) -> Failure {
        Failure(.unavailable, "\(path)/\(file) cannot be written. Name a folder where this user may write.")
    }
}
