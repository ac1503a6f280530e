package import Model

/// Whom some trouble touches: the jobs that hang on it, by what their events say.
package struct Cost: Sendable, Hashable {
    package struct Group: Sendable, Hashable {
        package var type: EventType
        package var jobs: Int
        package var subjects: Int

        package init(type: EventType, jobs: Int, subjects: Int) {
            self.type = type
            self.jobs = jobs
            self.subjects = subjects
        }
    }

    /// Jobs are counted up to here, of those that are open and of the dead each.
    package static let jobsMax = 1000

    /// Most subjects first.
    package var groups: [Group]
    /// There are more than were counted.
    package var isCut: Bool

    package init(groups: [Group] = [], isCut: Bool = false) {
        self.groups = groups
        self.isCut = isCut
    }

    package var jobs: Int { groups.reduce(0) { $0 + $1.jobs } }
}

/// Which jobs a cost counts.
package enum CostScope: Sendable, Hashable {
    /// Open and dead jobs that failed last for this cause.
    case cause(IssueCause)
    /// All open jobs of a destination.
    case waiting(destination: String)
    case dead(destination: String)
}

extension Cost {
    package var json: JSONObject {
        [
            "groups": .array(
                groups.map {
                    [
                        "type": .string($0.type.name), "jobs": .int(Int64($0.jobs)),
                        "subjects": .int(Int64($0.subjects)),
                    ]
                }), "is_cut": .bool(isCut),
        ]
    }

    package init(json: JSONObject) {
        groups = (json["groups"]?.array ?? []).compactMap { group in
            guard let type = group["type"]?.string, let jobs = group["jobs"]?.int else { return nil }
            return Group(
                type: EventType(type), jobs: Int(clamping: jobs), subjects: Int(clamping: group["subjects"]?.int ?? 0))
        }
        isCut = json["is_cut"] == .bool(true)
    }
}
