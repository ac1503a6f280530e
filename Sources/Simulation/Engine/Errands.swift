/// What the outside wants of a running engine, each done in a task of the engine's own, as a server does requests.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class Errands: @unchecked Sendable {
    typealias Errand = @Sendable () async -> Void

    private var waiting: [Errand] = []
    private var server: CheckedContinuation<Void, Never>?
    private var isClosed = false

    func add(_ errand: @escaping Errand) {
        guard !isClosed else { return }
        waiting.append(errand)
        wake()
    }

    /// Takes nothing more.
    func close() {
        isClosed = true
        waiting = []
        wake()
    }

    private func wake() {
        let server = server
        self.server = nil
        server?.resume()
    }

    /// Nil when it is closed or its task is cancelled.
    func next() async -> Errand? {
        while !isClosed, !Task.isCancelled {
            if !waiting.isEmpty { return waiting.removeFirst() }
            await withTaskCancellationHandler {
                await withCheckedContinuation { server in
                    if Task.isCancelled { return server.resume() }
                    self.server = server
                }
            } onCancel: {
                wake()
            }
        }
        return nil
    }
}
