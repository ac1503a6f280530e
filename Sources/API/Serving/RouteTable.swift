/// Finds the route of a request.
package struct RouteTable: Sendable {
    package enum Match: Sendable {
        case route(Route, parameters: [String: String])
        case notFound
        /// The path exists, for these methods.
        case wrongMethod(allowed: [String])
    }

    package let routes: [Route]
    /// Routes by the number of segments; literal segments before open ones.
    private let bySegments: [Int: [(segments: [Segment], route: Route)]]

    private enum Segment: Sendable, Hashable {
        case literal(String)
        case parameter(String)
    }

    package init(_ routes: [Route]) {
        self.routes = routes
        let split = routes.map { (segments: Self.segments(of: $0.template), route: $0) }
        bySegments = Dictionary(grouping: split) { $0.segments.count }.mapValues { group in
            // `/v1/jobs/retry` is asked before `/v1/jobs/{id}`.
            group.enumerated().sorted { lhs, rhs in
                (Self.openness(lhs.element.segments), lhs.offset) < (Self.openness(rhs.element.segments), rhs.offset)
            }.map(\.element)
        }
    }

    /// `path` without its query, still percent-encoded.
    package func match(method: String, path: Substring) -> Match {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
            .map { Substring($0) }
        var allowed: [String] = []
        for (segments, route) in bySegments[parts.count] ?? [] {
            guard let parameters = Self.parameters(segments, parts) else { continue }
            if route.method == method || (method == "HEAD" && route.method == "GET") {
                return .route(route, parameters: parameters)
            }
            allowed.append(route.method)
        }
        return allowed.isEmpty ? .notFound : .wrongMethod(allowed: Array(Set(allowed)).sorted())
    }

    private static func parameters(_ segments: [Segment], _ parts: [Substring]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let text): if part != text { return nil }
            case .parameter(let name):
                if part.isEmpty { return nil }
                parameters[name] = PercentCoding.decode(part)
            }
        }
        return parameters
    }

    private static func segments(of template: String) -> [Segment] {
        template.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { part in
            part.hasPrefix("{") && part.hasSuffix("}")
                ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    private static func openness(_ segments: [Segment]) -> Int {
        segments.reduce(0) { total, segment in
            if case .parameter = segment { total * 2 + 1 } else { total * 2 }
        }
    }
}
