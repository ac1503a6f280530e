/// An error that says what happened, to what, why, and what to do next.
///
/// `description` is safe to show to anyone; what may hold a secret or a person's data stays in `detail`, which only
/// `debugDescription` shows. `code.name` is a bounded word for metrics and clients.
package struct Failure: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package struct Code: Sendable, Hashable {
        package let name: String

        package init(_ name: String) { self.name = name }

        package static let invalid = Code("invalid")
        package static let notFound = Code("not_found")
        package static let ambiguous = Code("ambiguous")
        package static let conflict = Code("conflict")
        package static let unauthorized = Code("unauthorized")
        package static let forbidden = Code("forbidden")
        package static let tooLarge = Code("too_large")
        package static let overloaded = Code("overloaded")
        package static let unavailable = Code("unavailable")
        package static let journal = Code("journal")
        package static let journalLocked = Code("journal_locked")
        package static let configuration = Code("configuration")
        package static let usage = Code("usage")
        package static let unreachable = Code("unreachable")
    }

    package var code: Code
    package var message: String
    package var field: String?
    package var detail: String?

    package init(_ code: Code, _ message: String, field: String? = nil, detail: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
        self.detail = detail
    }

    package var description: String { message }
    package var debugDescription: String {
        "\(code.name): \(message)" + (field.map { " [\($0)]" } ?? "") + (detail.map { " (\($0))" } ?? "")
    }
}
