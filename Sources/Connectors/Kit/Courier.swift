internal import Journal
package import Model
package import Seams

/// Carries requests to one destination: knows its address, its credential and how patient to be.
package struct Courier: Sendable {
    /// Without a slash at its end.
    ///
    /// Redacted, since a webhook's address is its credential.
    package var base: Redacted<String>
    /// Headers of every request, credentials among them; nil where the secret is not there.
    package var headers: Redacted<[OutboundRequest.Header]>?
    package var timeout: Duration
    package var masking: Masking
    package var time: any TimeSource
    private let http: any HTTPTransport

    package init(
        base: String, headers: [OutboundRequest.Header]?, timeout: Duration, masking: Masking, world: World
    ) {
        var base = base
        while base.hasSuffix("/") { base.removeLast() }
        self.base = Redacted(base)
        self.headers = headers.map { Redacted($0) }
        self.timeout = timeout
        self.masking = masking
        time = world.time
        http = world.http
    }

    /// Everything that one effect sends, within one deadline.
    package func visit(within deadline: Duration? = nil, for effect: Effect? = nil) -> Visit {
        var courier = self
        courier.masking = masking.adding(effect?.personalWords ?? [])
        return Visit(courier: courier, http: http, endsAt: time.uptime + (deadline ?? timeout))
    }
}

/// A few requests to one destination that share a deadline.
package struct Visit: Sendable {
    package let courier: Courier
    fileprivate let http: any HTTPTransport
    fileprivate let endsAt: Duration

    package var now: Instant { courier.time.now }
    package var masking: Masking { courier.masking }

    /// Sends one request and returns its answer, whatever the status.
    ///
    /// Without an answer it throws the verdict.
    package func send(
        _ method: String, _ path: String, headers: [OutboundRequest.Header] = [], body: [UInt8] = []
    ) async throws(Setback) -> InboundResponse {
        guard let common = courier.headers?.revealed else {
            throw Setback(
                .credentials(
                    Verdict.Trouble("secret_missing", "its secret is not set: set it and reload the configuration")))
        }
        let remaining = endsAt - courier.time.uptime
        guard remaining > .zero else {
            throw Setback(
                .transient(
                    Verdict.Trouble("timeout", "no time was left for \(method); nothing was sent"),
                    mayHaveHappened: false))
        }
        let content = body.isEmpty ? [] : [OutboundRequest.Header("content-type", "application/json")]
        let trace = TraceContext.current.map { [OutboundRequest.Header("traceparent", $0.traceparent)] } ?? []
        let request = OutboundRequest(
            method: method, url: courier.base.revealed + path, headers: common + content + headers + trace, body: body,
            timeout: min(courier.timeout, remaining))
        do {
            return try await http.send(request)
        } catch {
            throw Setback(AnswerReading.verdict(of: error, masking: masking))
        }
    }
}

extension Visit {
    /// Reads something.
    ///
    /// Whatever goes wrong, a reading has no effect.
    package func read(_ path: String) async throws(Setback) -> InboundResponse {
        do {
            return try await send("GET", path)
        } catch {
            throw Setback(error.report.verdict.ofReading)
        }
    }
}

/// Why an effect was not made, thrown so that a connector's steps read one after another.
package struct Setback: Error, Sendable {
    package var report: Report

    package init(_ verdict: Verdict, status: Int? = nil, limit: RateHint? = nil) {
        report = Report(verdict, status: status, limit: limit)
    }

    package init(_ report: Report) { self.report = report }
}

extension Effect {
    /// What an error text may not repeat of the person whom the effect is about.
    package var personalWords: [Redacted<String>] {
        let names = ["email", "phone", "name", "firstname", "lastname", "company", "message"]
        let said = [data, fields].flatMap { object in names.compactMap { object.present($0)?.string } }
        let known = subject.identifiers.filter { $0.kind == .email || $0.kind == .phone }.map(\.value)
        return (said + known).map { Redacted($0) }
    }
}
