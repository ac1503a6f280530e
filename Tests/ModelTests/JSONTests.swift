import Model
import Testing

@Suite struct `A JSON value` {
    @Test(
        arguments: [
            #"{"a":1,"b":2,"a":3}"#: #"{"a":1,"b":2}"#, #"{"a":{"x":{"y":1,"y":2},"x":1}}"#: #"{"a":{"x":{"y":1}}}"#,
            #"{"a":1}"#: #"{"a":1}"#,
        ])
    func `takes the first of a name that stands twice`(text: String, same: String) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(value == (try JSONValue(parsing: Array(same.utf8))))
        #expect(value.encodedText == same)
        #expect(try JSONValue(parsing: value.encoded) == value)
    }
}
