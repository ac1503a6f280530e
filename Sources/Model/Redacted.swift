/// A value that prints as dots, so that no log line, error or dump can show it by accident.
package struct Redacted<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The value itself.
    ///
    /// Each use of this word is a place to look at in a review.
    package let revealed: Value

    package init(_ value: Value) { revealed = value }

    package var description: String { "••••" }
    package var debugDescription: String { "••••" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Redacted: Equatable where Value: Equatable {}
extension Redacted: Hashable where Value: Hashable {}
