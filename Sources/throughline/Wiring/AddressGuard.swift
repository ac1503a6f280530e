import Foundation
import Model
import NIOCore
import NIOPosix
import Seams
import Synchronization

/// Knows before a call whether its host may be called: names are resolved first, and all their addresses must be
/// allowed.
///
/// The connection's own address is looked at once more when it stands, before a byte of the request is sent
/// (`OutboundHTTP`), so that a name that changes its mind in between gains nothing.
final class AddressGuard: Sendable {
    /// How long a name's answer holds.
    static let verdictMax: Duration = .seconds(30)
    static let resolveMax: Duration = .seconds(5)
    private static let namesMax = 256

    private struct Verdict {
        var at: Duration
        var isAllowed: Bool
        var isPublic: Bool
    }

    private let time: any TimeSource
    private let resolve: @Sendable (String) -> [IPAddress]?
    /// Resolving blocks, for many seconds where no name server answers.
    private let threads = NIOThreadPool(numberOfThreads: 2)
    private let verdicts = Mutex<[String: Verdict]>([:])

    init(time: any TimeSource, resolve: @escaping @Sendable (String) -> [IPAddress]?) {
        self.time = time
        self.resolve = resolve
        threads.start()
    }

    func shutdown() async throws { try await threads.shutdownGracefully() }

    /// Throws where the request may not be sent or its name does not resolve.
    func check(_ request: OutboundRequest) async throws(TransportError) {
        guard let host = AddressRule.host(of: request.url) else {
            throw TransportError(.refusedAddress, mayHaveArrived: false, "the address is no usable URL")
        }
        let verdict: Verdict
        if let address = IPAddress(host) {
            verdict = self.verdict(on: [address])
        } else {
            verdict = try await self.verdict(onName: host, within: min(Self.resolveMax, request.timeout))
        }
        guard verdict.isAllowed else { throw Self.refused }
        guard request.trust == .configured || verdict.isPublic else {
            throw TransportError(
                .refusedAddress, mayHaveArrived: false, "only public addresses are called that no configuration names")
        }
    }

    static let refused = TransportError(
        .refusedAddress, mayHaveArrived: false, "link-local and metadata addresses are never called")

    private func verdict(on addresses: [IPAddress]) -> Verdict {
        Verdict(
            at: time.uptime, isAllowed: !addresses.contains(where: AddressRule.isForbidden),
            isPublic: addresses.allSatisfy(AddressRule.isPublic))
    }

    private func verdict(onName name: String, within limit: Duration) async throws(TransportError) -> Verdict {
        let uptime = time.uptime
        if let known = verdicts.withLock({ $0[name] }), uptime - known.at < Self.verdictMax { return known }
        let addresses = try await addresses(of: name, within: limit)
        guard !addresses.isEmpty else { throw Self.unresolved(name) }
        let verdict = verdict(on: addresses)
        verdicts.withLock { verdicts in
            if verdicts.count >= Self.namesMax { verdicts.removeAll() }
            verdicts[name] = verdict
        }
        return verdict
    }

    static func unresolved(_ name: String) -> TransportError {
        TransportError(.name, mayHaveArrived: false, "the name \(name) does not resolve: check the address and DNS")
    }

    /// The first of the two wins: the resolver's answer, or the end of patience.
    private func addresses(of name: String, within limit: Duration) async throws(TransportError) -> [IPAddress] {
        let loop = NIOSingletons.posixEventLoopGroup.any()
        let answer = loop.makePromise(of: [IPAddress]?.self)
        threads.submit { state in
            answer.succeed(state == .active ? self.resolve(name) : nil)
        }
        let patience = TimeAmount.nanoseconds(Int64(limit / .nanoseconds(1)))
        let end = loop.scheduleTask(in: patience) {
            answer.fail(
                TransportError(.timeout, mayHaveArrived: false, "the name \(name) was not resolved within the time"))
        }
        defer { end.cancel() }
        do {
            guard let addresses = try await answer.futureResult.get() else { throw Self.unresolved(name) }
            return addresses
        } catch {
            throw error as? TransportError ?? Self.unresolved(name)
        }
    }
}
