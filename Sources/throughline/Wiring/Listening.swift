import Foundation
import Model
import NIOCore
import ServiceLifecycle
import Synchronization

/// A server on one address, which says what to set where it cannot listen there.
struct Listening: Service {
    private let (host, port): (String, Int)
    private let (hostSetting, portSetting): (String, String)
    private let isListening: Flag
    private let server: any Service

    private final class Flag: Sendable {
        let isSet = Mutex(false)
    }

    /// `server` makes it; it is handed what it is to call when it listens.
    init(
        host: String, port: Int, hostSetting: String, portSetting: String,
        server: (_ isListening: @escaping @Sendable () -> Void) -> some Service
    ) {
        let flag = Flag()
        (self.host, self.port, self.hostSetting, self.portSetting) = (host, port, hostSetting, portSetting)
        isListening = flag
        self.server = server { flag.isSet.withLock { $0 = true } }
    }

    func run() async throws {
        do {
            try await server.run()
        } catch  where !isListening.isSet.withLock({ $0 }) && !(error is CancellationError) {
            throw refusal(error)
        }
    }

    private func refusal(_ error: any Error) -> Failure {
        let place = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            return Failure(
                .unavailable,
                "Port \(port) is taken, by another program or by another address of this server. Set "
                    + "\(portSetting), or end that program.")
        case EACCES, EPERM:
            return Failure(
                .unavailable,
                "This user may not listen on \(place). Set \(portSetting) to a port from 1024 on, or let "
                    + "the system allow it.")
        case let code?:
            return Failure(
                .unavailable,
                "The server cannot listen on \(place) (\(String(cString: strerror(code)))). Set "
                    + "\(hostSetting) to an address of this machine, 0.0.0.0 for all of them, or wait until it is there."
            )
        case nil:
            return Failure(
                .unavailable,
                "The server cannot listen on \(place): no address is known by that name. Set "
                    + "\(hostSetting) to an address of this machine, or 0.0.0.0 for all of them.")
        }
    }
}
