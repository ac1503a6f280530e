/// One step of the schema; forward only, never edited once released.
struct Migration {
    var version: Int
    var name: String
    /// The oldest version of the program that can go on working on the schema after this step, so that nodes can be
    /// replaced one after the other.
    var worksSince: Int
    var sql: String

    /// In order, numbered from 1 without gaps.
    static let all: [Migration] = [.street, .watch, .aftercare, .survey, .goingForward]
}
