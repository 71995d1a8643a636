import Testing
import TimingleCore

struct JSONFieldsTests {
    private func fields(_ text: String) throws -> JSONFields { try JSONFields(parsing: Array(text.utf8)) }

    @Test(arguments: ["[]", "1", "\"a\"", "null", "", "{", "{\"a\":\"\\ud800\"}"])
    func whatIsNoObjectIsABadRequest(text: String) {
        let error = #expect(throws: ServiceError.self) { try self.fields(text) }
        #expect(error?.kind == .badRequest)
        #expect(error?.code == "INVALID_JSON")
    }

    @Test(arguments: [
        ("{", "도중에 끝났습니다", "it ends too early"), ("{\"a\":1,}", "7바이트", "at byte 7"),
        ("{\"a\":1e999}", "5바이트", "at byte 5"), ("{\"a\":\"\\x\"}", "7바이트", "at byte 7"),
        ("{\"a\":\(String(repeating: "[", count: 40))", "32단계", "nested deeper than 32"),
        ("{\"a\":[\(String(repeating: "1,", count: 10_000))1]}", "10000개", "more than 10000 values"),
    ])
    func theReasonIsGivenInBothLanguages(text: String, korean: String, english: String) {
        let error = #expect(throws: ServiceError.self) { try self.fields(text) }
        #expect(error?.code == "INVALID_JSON")
        #expect(error?.text.korean.contains(korean) == true && error?.text.english.contains(english) == true)
        let isLimit = !["{", "{\"a\":1,}", "{\"a\":\"\\x\"}"].contains(text)
        #expect(error?.text.english.contains("not valid") == !isLimit)
    }

    @Test func explicitNullCountsAsAbsent() throws {
        let fields = try self.fields(#"{"a":null,"unknown":[1]}"#)
        let string = try fields.optionalString("a")
        let integer = try fields.optionalInteger("a")
        #expect(string == nil)
        #expect(integer == nil)
        #expect(fields.contains("a"))
        let error = #expect(throws: ServiceError.self) { try fields.string("a") }
        #expect(error?.kind == .invalid)
        #expect(error?.field == "a")
    }

    @Test func wrongTypesNameTheFieldAndTheExpectedType() throws {
        let fields = try self.fields(#"{"n":"1","s":1,"b":0,"t":"yesterday","l":[1,"x"],"z":"a\u0000b","big":1e30}"#)
        let failures: [(String, String, () throws -> Void)] = [
            ("n", "an integer", { _ = try fields.integer("n") }),
            ("s", "a string", { _ = try fields.string("s") }),
            ("b", "true or false", { _ = try fields.optionalBool("b") }),
            ("t", "RFC 3339", { _ = try fields.time("t") }),
            ("l", "an array of integers", { _ = try fields.optionalIntegers("l", countMax: 5) }),
            ("l", "a string", { _ = try fields.optionalStrings("l", countMax: 5) }),
            ("l", "at most 1", { _ = try fields.optionalIntegers("l", countMax: 1) }),
            ("z", "NUL", { _ = try fields.string("z") }),
            ("big", "an integer", { _ = try fields.integer("big") }),
            ("gone", "required", { _ = try fields.integer("gone") }),
        ]
        for (name, words, body) in failures {
            let error = #expect(throws: ServiceError.self) { try body() }
            #expect(error?.code == "VALIDATION_ERROR")
            #expect(error?.field == name)
            #expect(error?.text.english.contains(words) == true, "\(name)")
        }
    }

    @Test func wellTypedFieldsAreRead() throws {
        let fields = try self.fields(#"{"n":332.0,"b":true,"l":[1,2.0],"t":"2026-01-15T19:00:00+09:00"}"#)
        let integer = try fields.integer("n")
        let flag = try fields.optionalBool("b")
        let list = try fields.optionalIntegers("l", countMax: 2)
        let time = try fields.time("t")
        #expect(integer == 332)
        #expect(flag == true)
        #expect(list == [1, 2])
        #expect(time.description == "2026-01-15T10:00:00.000Z")
    }
}
