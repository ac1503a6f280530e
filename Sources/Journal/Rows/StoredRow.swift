package import Model

/// One row that a store gives; columns count from 0.
///
/// A store says how it holds the five basic kinds; what is made of them is the same in both.
package protocol StoredRow {
    func isNull(_ column: CInt) -> Bool
    /// A whole number, or a truth as 0 or 1.
    func int(_ column: CInt) -> Int64
    /// Empty where the column is null.
    func text(_ column: CInt) -> String
    /// Empty where the column is null.
    func blob(_ column: CInt) -> [UInt8]
    /// What a person does about a row that cannot be read, as a sentence.
    var remedy: String { get }
}

// Inlinable, for rows are read by the thousand: through the protocol each column would be a call by table.
extension StoredRow {
    @inlinable package func intOrNil(_ column: CInt) -> Int64? { isNull(column) ? nil : int(column) }
    @inlinable package func flag(_ column: CInt) -> Bool { int(column) != 0 }
    @inlinable package func instant(_ column: CInt) -> Instant { Instant(milliseconds: int(column)) }
    @inlinable package func instantOrNil(_ column: CInt) -> Instant? {
        intOrNil(column).map { Instant(milliseconds: $0) }
    }
    @inlinable package func textOrNil(_ column: CInt) -> String? { isNull(column) ? nil : text(column) }

    @inlinable package func id<Tag>(_ column: CInt, _ tag: Tag.Type = Tag.self) throws -> Identifier<Tag> {
        guard let id = try idOrNil(column, tag) else { throw damage("an id is missing") }
        return id
    }

    @inlinable package func idOrNil<Tag>(_ column: CInt, _ tag: Tag.Type = Tag.self) throws -> Identifier<Tag>? {
        guard !isNull(column) else { return nil }
        guard let id = Identifier<Tag>(bytes: blob(column)) else { throw damage("an id has another length than 16") }
        return id
    }

    /// A word of a closed set.
    @inlinable package func word<Word: RawRepresentable<String>>(_ column: CInt, _ type: Word.Type = Word.self) throws
        -> Word
    {
        guard let word = Word(rawValue: text(column)) else { throw damage("a word is unknown to this version") }
        return word
    }

    @inlinable package func object(_ column: CInt) throws -> JSONObject {
        do {
            return try JSONObject(parsing: blob(column))
        } catch {
            throw damage("an object is \(error.description)")
        }
    }

    @usableFromInline package func damage(_ what: String) -> Failure {
        Failure(.journal, "The journal holds a row that cannot be read: \(what). \(remedy)")
    }
}
