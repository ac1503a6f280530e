internal import Model

/// Every route of the server but the console's.
package enum Routes {
    package static func all(_ dependencies: Dependencies) -> [Route] {
        intake(dependencies) + withoutIntake(dependencies)
    }

    /// For a node that takes no events.
    package static func withoutIntake(_ dependencies: Dependencies) -> [Route] {
        trail(dependencies) + events(dependencies) + quarantine(dependencies)
            + jobs(dependencies) + destinations(dependencies) + alerts(dependencies) + access(dependencies)
            + subjects(dependencies) + tail(dependencies) + health(dependencies) + aftercare(dependencies)
    }

    private static func aftercare(_ dependencies: Dependencies) -> [Route] {
        guard let aftercare = dependencies.aftercare else { return [] }
        return reconciliations(dependencies, aftercare) + receipts(dependencies, aftercare)
            + keeping(dependencies, aftercare)
    }

    /// For a metrics listener of its own, which asks for no key.
    package static func metricsOnly(_ dependencies: Dependencies) -> [Route] {
        [metrics(dependencies, access: .open)]
    }

    /// The id in a path; one that has not its form names nothing.
    static func id<Tag: IdentifierTag>(_ call: Call, _ what: String) throws(Failure) -> Identifier<Tag> {
        guard let id = Identifier<Tag>(call.parameter("id")) else { throw missing(what) }
        return id
    }

    static func missing(_ what: String) -> Failure {
        Failure(.notFound, "There is no \(what) with this id; it may have been removed by retention.")
    }
}
