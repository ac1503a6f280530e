internal import API
internal import Journal
internal import Model
internal import Seams
internal import Settings
internal import Synchronization

/// The links of all pages, by what one wants to do.
enum Navigation {
    struct Entry: Sendable {
        var section: String
        var path: String
        var title: String
    }

    static let groups: [(title: String, entries: [Entry])] = [
        (
            "Watch",
            [
                Entry(section: "now", path: "/console", title: "Now"),
                Entry(section: "alerts", path: "/console/alerts", title: "Alerts and issues"),
            ]
        ),
        (
            "Look",
            [
                Entry(section: "trail", path: "/console/trail", title: "Trail"),
                Entry(section: "events", path: "/console/events", title: "Events"),
                Entry(section: "jobs", path: "/console/jobs", title: "Jobs"),
            ]
        ),
        (
            "Mend",
            [
                Entry(section: "dead", path: "/console/dead", title: "Dead letters"),
                Entry(section: "quarantine", path: "/console/quarantine", title: "Quarantine"),
                Entry(section: "reconciliations", path: "/console/reconciliations", title: "Reconciliation"),
            ]
        ),
        (
            "Run",
            [
                Entry(section: "destinations", path: "/console/destinations", title: "Destinations"),
                Entry(section: "flows", path: "/console/flows", title: "Flows"),
                Entry(section: "audit", path: "/console/audit", title: "Audit"),
                Entry(section: "settings", path: "/console/settings", title: "Settings"),
            ]
        ),
    ]

    static func values(current: String, counts: [String: Int]) -> JSONValue {
        .array(
            groups.map { group in
                [
                    "title": .string(group.title), "key": .string(group.title.lowercased()),
                    "links": .array(
                        group.entries.map { entry in
                            let count = counts[entry.section] ?? 0
                            return [
                                "path": .string(entry.path), "text": .string(entry.title),
                                "is_current": .bool(entry.section == current),
                                "badge": count == 0 ? .null : .string(count > 999 ? "999+" : String(count)),
                            ]
                        }),
                ]
            })
    }
}

/// The journal's figures, read at most once a second however many look.
final class FigureCache: Sendable {
    private let reading: any ReadingJournal
    private let time: any TimeSource
    private let kept = Mutex<(at: Duration, figures: JournalFigures)?>(nil)

    init(reading: any ReadingJournal, time: any TimeSource) {
        self.reading = reading
        self.time = time
    }

    func figures() async throws -> JournalFigures {
        let now = time.uptime
        if let kept = kept.withLock({ $0 }), now - kept.at < .seconds(1) { return kept.figures }
        let figures = try await reading.figures(now: time.now)
        kept.withLock { $0 = (now, figures) }
        return figures
    }
}

extension Console {
    /// Renders a template into the frame of all pages; `section` is where in the navigation it stands.
    func html(
        _ template: String, in section: String, _ values: JSONObject, _ visit: Visit, status: Int = 200
    ) async throws -> Answer {
        let figures = try await figures.figures()
        var values = values
        values["csrf"] = .string(visit.session.csrf)
        values["can_operate"] = .bool(visit.session.role.includes(.operator))
        values["is_admin"] = .bool(visit.session.role.includes(.admin))
        let counts = [
            "alerts": figures.openAlerts, "dead": figures.dead, "quarantine": figures.quarantined,
        ]
        var frame = frame(title: values["title"])
        frame["signed_in"] = true
        frame["navigation"] = Navigation.values(current: section, counts: counts)
        frame["who"] = .string(visit.session.email ?? "this machine")
        frame["role"] = .string(visit.session.role.rawValue)
        frame["csrf"] = .string(visit.session.csrf)
        frame["find"] = values["query"] ?? ""
        frame["refresh"] = values["refresh"] ?? .null
        return answer(template, values, frame, status: status)
    }

    /// A page for somebody who is not signed in.
    func door(_ template: String, _ values: JSONObject, status: Int = 200) -> Answer {
        answer(template, values, frame(title: values["title"] ?? values["heading"]), status: status)
    }

    private func frame(title: JSONValue?) -> JSONObject {
        [
            "product": .string(dependencies.settings.current.product), "title": title ?? "Console",
            "version": .string(Self.assetVersion),
        ]
    }

    private func answer(_ template: String, _ values: JSONObject, _ frame: JSONObject, status: Int) -> Answer {
        var frame = frame
        frame["main"] = .string(renderer.render(template, values))
        return Answer(
            status: status, headers: Self.headers + [("content-type", "text/html; charset=utf-8")],
            body: Array(renderer.render("layout", frame).utf8))
    }

    static let headers: [(name: String, value: String)] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
                + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        ("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ]

    /// Changes with what it names, so that browsers may keep the files for good.
    static let assetVersion = Crockford.encode(
        Array(
            KeyText.hash(String(decoding: PackageResources.console_css + PackageResources.console_js, as: UTF8.self))
                .prefix(5)))

    var assetRoutes: [Route] {
        [
            asset("console.css", "text/css; charset=utf-8", PackageResources.console_css),
            asset("console.js", "text/javascript; charset=utf-8", PackageResources.console_js),
            asset("icon.svg", "image/svg+xml", PackageResources.icon_svg),
        ]
    }

    private func asset(_ name: String, _ type: String, _ bytes: [UInt8]) -> Route {
        Route("GET", "/console/assets/\(name)", .open) { call in
            let isNamed = call.query["v"] == Self.assetVersion
            return Answer(
                status: 200,
                headers: [
                    ("content-type", type),
                    ("cache-control", isNamed ? "public, max-age=31536000, immutable" : "max-age=300"),
                    ("x-content-type-options", "nosniff"),
                    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
                ], body: bytes)
        }
    }
}
