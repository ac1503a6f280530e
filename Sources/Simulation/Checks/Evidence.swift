internal import Connectors
internal import Journal
internal import Model
internal import Sandbox

/// All that an outsider can know of a run that is over.
struct Evidence {
    var deliveries: [DeliveryRecord]
    var calls: [CallRecord]
    var hubspot: HubSpotStandIn
    var zendesk: ZendeskStandIn
    var hook: WebhookReceiver
    var slack: SlackStandIn
    var snapshot: Snapshot
    var operations: OperatorRecord
    var hazards: Set<Hazard>
    var lives: Int

    /// The jobs by the mark that their effects bear: the effect key's digest; at `team` the event's id.
    var jobsByMark: [String: [JobDetail]] {
        Dictionary(grouping: snapshot.jobs) { Self.mark(of: $0.row) }
    }

    /// Calls that make an effect, by destination and mark, in order.
    var effectCalls: [String: [CallRecord]] {
        Dictionary(grouping: calls.filter { $0.isEffect && $0.mark != nil }) { "\($0.destination) \($0.mark ?? "")" }
    }

    /// Whether what the engine wrote down as a time is one: its clock was right all along.
    var isTimely: Bool { !hazards.contains(.clockJumps) }

    static func mark(of job: JobRow) -> String {
        job.destination == "team" ? job.event.description : job.effect.digest
    }
}

extension Instant {
    /// Milliseconds of the run, where the clock was right.
    var uptime: Int64 { milliseconds - VirtualTime.start.milliseconds }
}

extension JobRow {
    /// `crm.upsert_contact`.
    var call: String { "\(destination).\(action)" }
    var isSuperseded: Bool { note?.hasPrefix("superseded") == true }
    /// Which repetition of its effect it is; 0: the first.
    var generation: Int { Int(effect.text.split(separator: "/").last ?? "") ?? 0 }
}
