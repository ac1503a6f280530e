import Foundation
import Model

/// What `serve` leaves beside the configuration, so that commands find it: `.throughline/server.json`, mode 0600.
struct LocalServer: Sendable {
    var address: String
    var credential: Redacted<String>
    var process: Int32

    static func path(folder: String) -> String { folder + "/.throughline/server.json" }

    /// The server that runs now; nil where there is none, or where a dead one left its file.
    static func find(folder: String) -> LocalServer? {
        guard let bytes = FileManager.default.contents(atPath: path(folder: folder)),
            let object = (try? JSONValue(parsing: Array(bytes)))?.object,
            let address = object["address"]?.string, let credential = object["credential"]?.string,
            let process = object["process"]?.int.flatMap({ Int32(exactly: $0) })
        else { return nil }
        guard kill(process, 0) == 0 || errno == EPERM else { return nil }
        return LocalServer(address: address, credential: Redacted(credential), process: process)
    }

    func write(folder: String) throws {
        let path = Self.path(folder: folder)
        let directory = folder + "/.throughline"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let object: JSONValue = [
            "address": .string(address), "credential": .string(credential.revealed), "process": .int(Int64(process)),
        ]
        try PrivateFile.write(object.encoded, to: path)
    }

    static func remove(folder: String) {
        // A file that is already gone is what we want.
        try? FileManager.default.removeItem(atPath: path(folder: folder))
    }
}

/// Files that only their owner may read.
enum PrivateFile {
    /// Writes the whole file under another name and moves it into place, so that no reader sees half of it.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let draft = path + ".new"
        _ = unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else {
            throw Failure(.unavailable, "\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
            try handle.close()
        } catch {
            throw Failure(.unavailable, "\(path) cannot be written: \(error.localizedDescription).")
        }
        guard rename(draft, path) == 0 else {
            throw Failure(.unavailable, "\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
    }
}
