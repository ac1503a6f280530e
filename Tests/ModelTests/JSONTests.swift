import Model
import Testing

@Suite struct `A JSON value` {
    @Test(
        arguments: [
            #"{"a":1,"b":2,"a":3}"#: #"{"a":1,"b":2}"#, #"{"a":{"x":{"y":1,"y":2},"x":1}}"#: #"{"a":{"x":{"y":1}}}"#,
            #"{"a":1}"#: #"{"a":1}"#, #"{"a":1,"a":2,"b":3,"b":4,"a":5}"#: #"{"a":1,"b":3}"#,
        ])
    func `takes the first of a name that stands twice`(text: String, same: String) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(value == (try JSONValue(parsing: Array(same.utf8))))
        #expect(value.encodedText == same)
        #expect(try JSONValue(parsing: value.encoded) == value)
    }

    @Test func `takes the first of a name that stands twice among thousands`() throws {
        let names =
            (0..<20_000).map { "\"k\($0)\":\($0)" } + [#""k7":-1"#, #""k19999":-1"#, #""k20000":{"k7":2,"k7":3}"#]
        let text = "{\(names.joined(separator: ","))}"
        let object = try JSONObject(parsing: Array(text.utf8))
        #expect(object.count == 20_001)
        #expect(object["k7"] == 7 && object["k19999"] == 19_999 && object["k20000"] == ["k7": 2])
        #expect(object == (try JSONObject(parsing: object.encoded)))
    }
}
