import AsyncHTTPClient
import Model
import NIOCore
import Seams

extension APIClient {
    private static let lineMax = 4 << 20

    /// Gives each line of an answer that goes on, until it ends.
    ///
    /// Throws `unreachable` where the server is not there, and the failure that an error answer tells of.
    func follow(
        _ method: String, _ path: String, query: [(String, String?)] = [], body: JSONValue? = nil,
        each: (JSONObject) throws -> Void
    ) async throws {
        let request = request(method, path, query: query, body: body?.encoded ?? [], contentType: "application/json")
        do {
            try await http.stream(request) { status, chunks in
                var lines = LineReader(max: Self.lineMax)
                var whole: [UInt8] = []
                for try await chunk in chunks {
                    guard status == 200 else {
                        whole += chunk.readableBytesView
                        continue
                    }
                    for line in try lines.take(chunk.readableBytesView) { try each(JSONObject(parsing: line)) }
                }
                if status != 200 {
                    // An error that is no JSON is told by its status alone.
                    throw Self.failure(status: status, (try? JSONValue(parsing: whole)) ?? .null)
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as TransportError {
            throw Failure(
                .unreachable, "The server at \(base) cannot be reached: \(error.description). Is it running?")
        } catch  where !(error is CancellationError) {
            // The connection broke off in the middle: for the caller the same as an end.
            return
        }
    }
}

/// Cuts bytes into lines as they come.
struct LineReader {
    let max: Int
    private var rest: [UInt8] = []

    init(max: Int) { self.max = max }

    mutating func take(_ bytes: some Sequence<UInt8>) throws(Failure) -> [[UInt8]] {
        rest += bytes
        guard rest.contains(UInt8(ascii: "\n")) else {
            guard rest.count <= max else { throw Failure(.invalid, "The server sends a line beyond \(max) bytes.") }
            return []
        }
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
        rest = lines.popLast() ?? []
        return lines.filter { !$0.isEmpty }
    }
}
