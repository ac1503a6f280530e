/// One step of the schema; forward only, never edited once released.
struct Migration {
    var version: Int
    var name: String
    var sql: String

    /// In order, numbered from 1 without gaps.
    static let all: [Migration] = [.street, .watch, .aftercare, .survey]
}
