package import Model

/// What must hold for a flow to act.
///
/// Missing or mistyped is false.
package enum Condition: Sendable, Equatable {
    package enum Test: Sendable, Equatable {
        case equals(JSONValue)
        case differs(JSONValue)
        case greater(Double), greaterOrEqual(Double), less(Double), lessOrEqual(Double)
        case oneOf([JSONValue])
        case exists(Bool)
    }

    package struct Clause: Sendable, Equatable {
        package var path: Path
        package var test: Test

        package init(path: Path, test: Test) {
            self.path = path
            self.test = test
        }
    }

    case always
    case all([Clause])

    package func holds(in scope: Scope) -> Bool { failure(in: scope) == nil }

    /// The first clause that does not hold, for the trail; nil where all do.
    package func failure(in scope: Scope) -> Clause? {
        switch self {
        case .always: nil
        case .all(let clauses): clauses.first { !$0.test.holds(for: $0.path.value(in: scope)) }
        }
    }
}

extension Condition.Test {
    func holds(for value: JSONValue?) -> Bool {
        switch self {
        case .exists(let expected): (value.map { !$0.isAbsent } ?? false) == expected
        case .equals(let expected): value.map { Self.same($0, expected) } ?? false
        case .differs(let expected): value.map { !Self.same($0, expected) } ?? false
        case .oneOf(let list): value.map { value in list.contains { Self.same(value, $0) } } ?? false
        case .greater(let bound): value?.double.map { $0 > bound } ?? false
        case .greaterOrEqual(let bound): value?.double.map { $0 >= bound } ?? false
        case .less(let bound): value?.double.map { $0 < bound } ?? false
        case .lessOrEqual(let bound): value?.double.map { $0 <= bound } ?? false
        }
    }

    /// Scalars of the configuration are text: `usd`, `5000` and `true` equal what JSON says in its own types.
    private static func same(_ value: JSONValue, _ expected: JSONValue) -> Bool {
        value == expected || value.text != nil && value.text == expected.text
    }
}
