internal import Foundation

/// A thread for what blocks: all tests share a few threads with the stand-ins that they talk to.
package enum OwnThread {
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result(catching: body)) }.start()
        }
    }
}
