internal import Intake
internal import Model
internal import Sandbox
internal import Seams

/// What became of one delivery, as its sender knows it.
struct DeliveryRecord {
    struct Answer {
        var at: Int64
        var status: Int
        /// The word of its status (`accepted`, `duplicate`).
        var word: String?
        var event: String?
        var quarantine: String?
    }

    var item: Workload.Item
    var tries = 0
    /// Every answer that left our server, heard or not.
    var answers: [Answer] = []
    /// Whether its sender is content.
    var isDone = false

    /// The first answer that said it is kept.
    var acknowledged: Answer? { answers.first { (200..<300).contains($0.status) } }
}

/// The providers and products that deliver to us: each sends until it is heard.
///
/// `@unchecked Sendable`: only the run's one thread touches it.
final class Senders: @unchecked Sendable {
    private let scheduler: Scheduler
    private let dice: Dice
    var hazards: Set<Hazard> = []
    private(set) var records: [DeliveryRecord] = []
    /// The life that takes deliveries now; nil while the server is down.
    var life: () -> EngineLife? = { nil }

    init(scheduler: Scheduler, dice: Dice) {
        self.scheduler = scheduler
        self.dice = dice
    }

    var isDone: Bool { records.allSatisfy(\.isDone) }

    func add(_ workload: Workload) {
        for item in workload.items {
            let index = records.count
            records.append(DeliveryRecord(item: item))
            scheduler.after(item.at - scheduler.uptime) { self.send(index) }
        }
    }

    private func send(_ index: Int) {
        guard !records[index].isDone else { return }
        records[index].tries += 1
        if hazards.contains(.deliveryDoubled), dice.hits(0.25) {
            scheduler.after(Int64(dice.below(4_000))) { self.carry(index, isCopy: true) }
        }
        carry(index, isCopy: false)
    }

    /// Brings one copy to the server.
    private func carry(_ index: Int, isCopy: Bool) {
        if hazards.contains(.deliveryLost), dice.hits(0.25) { return again(index, isCopy: isCopy) }
        let isLate = hazards.contains(.deliveryDelayed) && dice.hits(0.3)
        scheduler.after(Int64(isLate ? dice.below(8_000) : dice.number(1...20))) { self.arrive(index, isCopy: isCopy) }
    }

    private func arrive(_ index: Int, isCopy: Bool) {
        guard let life = life(), let intake = life.intake else { return again(index, isCopy: isCopy) }
        let item = records[index].item
        let moment = VirtualTime.start + .milliseconds(scheduler.uptime)
        let headers = item.delivery.headers(at: moment).map { ($0.name, $0.value) }
        scheduler.trace.note(
            scheduler.uptime, index, "delivery \(index) \(item.delivery.id) arrives\(isCopy ? " again" : "")")
        life.perform { _ in
            await intake.receive(source: item.delivery.source, headers: headers, body: item.delivery.body)
        } end: {
            self.answered(index, $0, isCopy: isCopy)
        }
    }

    private func answered(_ index: Int, _ answer: IntakeAnswer?, isCopy: Bool) {
        guard let answer else { return again(index, isCopy: isCopy) }
        scheduler.trace.note(
            scheduler.uptime, answer.status,
            "delivery \(index) is answered \(answer.status) "
                + (answer.body["status"]?.string ?? answer.body["error"]?["message"]?.string ?? ""))
        records[index].answers.append(
            .init(
                at: scheduler.uptime, status: answer.status, word: answer.body["status"]?.string,
                event: answer.body["event"]?.string, quarantine: answer.body["quarantine"]?.string))
        if hazards.contains(.answerUnheard), dice.hits(0.2) { return again(index, isCopy: isCopy) }
        // A sender tries again but where it was told that this body will never do.
        let isOver =
            (200..<300).contains(answer.status) || answer.status == 400
            || answer.status == 401 && records[index].item.kind == .forged
        if isOver { records[index].isDone = true } else { again(index, isCopy: isCopy) }
    }

    private func again(_ index: Int, isCopy: Bool) {
        guard !isCopy else { return }
        scheduler.after(Int64(dice.number(500...4_000))) { self.send(index) }
    }
}
