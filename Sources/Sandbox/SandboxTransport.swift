internal import Model
package import Seams

/// A transport that never leaves the process: it carries requests to stand-ins, with their faults and delays.
///
/// The timeout of a request holds: an answer that would come later is lost to the caller, its effect is not.
package struct SandboxTransport: HTTPTransport {
    /// How long an answer takes beyond what faults add.
    package enum Latency: Sendable {
        case instant
        case between(Duration, Duration, any ChanceSource)
    }

    private let standIns: StandInSet
    private let routes: [(prefix: String, name: String)]
    private let time: any TimeSource
    private let latency: Latency

    /// `routes` leads from the beginning of an address without its scheme (`api.hubapi.com`, `127.0.0.1:9000/crm`) to
    /// a stand-in's name; the longest that fits wins, and what it holds of the path is taken off.
    package init(
        _ standIns: StandInSet, routes: [String: String] = Self.usualRoutes, time: any TimeSource,
        latency: Latency = .instant
    ) {
        self.standIns = standIns
        self.routes = routes.map { ($0.key, $0.value) }.sorted { $0.0.utf8.count > $1.0.utf8.count }
        self.time = time
        self.latency = latency
    }

    /// The addresses at which the real services are, and `sandbox/NAME` for each stand-in of `StandInSet.usual`.
    package static let usualRoutes = [
        "api.hubapi.com": "hubspot", "acme.zendesk.com": "zendesk", "api.stripe.com": "stripe",
        "hooks.slack.com": "slack",
        "sandbox/hubspot": "hubspot", "sandbox/zendesk": "zendesk", "sandbox/slack": "slack",
        "sandbox/stripe": "stripe",
        "sandbox/hook": "hook", "sandbox/api": "api",
    ]

    package func send(_ request: OutboundRequest) async throws(TransportError) -> InboundResponse {
        guard let (name, target) = route(request.url) else {
            throw TransportError(.name, mayHaveArrived: false, "nobody in the sandbox has this address")
        }
        var arriving = request
        arriving.url = target
        guard let outcome = standIns.receive(arriving, for: name, at: time.now) else {
            throw TransportError(.connect, mayHaveArrived: false, "the sandbox has no stand-in '\(name)'")
        }
        switch outcome {
        case .answer(let answer, let delay):
            try await wait(delay + travel, within: request.timeout)
            return Self.bounded(answer)
        case .broken(_, _, let delay), .lost(.reset, let delay):
            try await wait(delay + travel, within: request.timeout)
            throw TransportError(.broken, mayHaveArrived: true, "the connection ended before the answer did")
        case .lost(.timeout, _):
            try await wait(request.timeout, within: request.timeout)
            throw TransportError(.timeout, mayHaveArrived: true, "no answer within the time allowed")
        }
    }

    private func route(_ url: String) -> (name: String, target: String)? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let address = url[scheme.upperBound...]
        for (prefix, name) in routes where address.hasPrefix(prefix) {
            let rest = address.dropFirst(prefix.count)
            guard rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?") else { continue }
            return (name, rest.hasPrefix("/") ? String(rest) : "/" + rest)
        }
        return nil
    }

    private var travel: Duration {
        switch latency {
        case .instant: .zero
        case .between(let least, let most, let chance):
            .milliseconds(Int64(Double((most - least).milliseconds) * chance.fraction()) + least.milliseconds)
        }
    }

    private func wait(_ delay: Duration, within timeout: Duration) async throws(TransportError) {
        do {
            if delay > .zero { try await time.sleep(for: min(delay, timeout)) }
        } catch {
            throw TransportError(.timeout, mayHaveArrived: true, "the call was cancelled before its answer")
        }
        if delay > timeout {
            throw TransportError(.timeout, mayHaveArrived: true, "no answer within the time allowed")
        }
    }

    private static func bounded(_ answer: InboundResponse) -> InboundResponse {
        guard answer.body.count > Limits.responseSizeMax else { return answer }
        var answer = answer
        answer.body = Array(answer.body.prefix(Limits.responseSizeMax))
        answer.isCut = true
        return answer
    }
}
