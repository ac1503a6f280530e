internal import Model

extension [Fact] {
    /// What the newest of these facts calls the state of their object; of one second the one that was told last.
    package var newestStatus: String? {
        let told = enumerated().filter { $0.element.data.present("status")?.text != nil }
        let newest = told.max {
            ($0.element.occurredAt.seconds, $0.offset) < ($1.element.occurredAt.seconds, $1.offset)
        }
        return newest?.element.data.present("status")?.text
    }
}
