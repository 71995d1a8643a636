import Testing
import TimingleCore

struct JSONReaderTests {
    private func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws -> JSONValue {
        try JSONReader.parse(Array(text.utf8), limits: limits)
    }

    @Test(arguments: [
        ("null", JSONValue.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
        ("-0", .integer(0)), ("42", .integer(42)), ("-7", .integer(-7)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("332.0", .number(332)), ("1e3", .number(1000)),
        ("\"\"", .string("")), ("\"a\\n\\\"\\u0041\"", .string("a\n\"A")), ("\"\\ud83d\\ude00\"", .string("😀")),
        ("\"안녕\"", .string("안녕")), ("[]", .array([])), ("[1,[2]]", .array([.integer(1), .array([.integer(2)])])),
        ("{}", .object([:])), ("{\"a\" : {\"b\":null}}", .object(["a": .object(["b": .null])])),
    ])
    func validTextHasItsValue(text: String, value: JSONValue) throws {
        let parsed = try self.parse(text)
        #expect(parsed == value)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "True", "NaN", "Infinity", "01", "-", "-a", "1.", ".5", "+1", "1e", "1e+", "0x10",
        "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\n\"", "\"\\udc00\"",
        "\"\\ud800\\u0041\"", "\"a\nb\"", "\"a\u{1}b\"", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "]", "{", "{\"a\"",
        "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{} {}", "1 1", "// x\n1",
        "\u{feff}{}", "'a'", "1e400", "-1e999",
    ])
    func invalidTextIsRefused(text: String) {
        #expect(throws: JSONError.self) { try self.parse(text) }
    }

    @Test func invalidUTF8IsRefused() {
        for bad: [UInt8] in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] {
            #expect(throws: JSONError.invalidUTF8(offset: 1)) { try JSONReader.parse([0x22] + bad + [0x22]) }
            #expect(throws: JSONError.invalidUTF8(offset: 1)) {
                try JSONReader.parse([0x22, 0x5c, 0x6e] + bad + [0x22])
            }
        }
    }

    @Test func depthIsLimited() throws {
        let limits = JSONLimits(depthMax: 3)
        _ = try self.parse("[[[1]]]", limits: limits)
        _ = try self.parse("[[1],[[2]],{\"a\":{}}]", limits: limits)
        #expect(throws: JSONError.tooDeep(max: 3)) { try self.parse("[[[[1]]]]", limits: limits) }
        let bomb = String(repeating: "[", count: 500_000)
        #expect(throws: JSONError.tooDeep(max: 32)) { try self.parse(bomb) }
        let objects = String(repeating: "{\"a\":", count: 100_000)
        #expect(throws: JSONError.tooDeep(max: 32)) { try self.parse(objects) }
    }

    @Test func valuesAndNumbersAreLimited() throws {
        let limits = JSONLimits(valuesMax: 4, numberBytesMax: 5)
        _ = try self.parse("[1,2,3]", limits: limits)
        #expect(throws: JSONError.tooManyValues(max: 4)) { try self.parse("[1,2,3,4]", limits: limits) }
        _ = try self.parse("12345", limits: limits)
        #expect(throws: JSONError.numberOutOfRange(offset: 0)) { try self.parse("123456", limits: limits) }
    }

    @Test func aNameThatComesTwiceIsRefused() throws {
        #expect(throws: JSONError.duplicateName(offset: 7)) { try self.parse(#"{"a":1,"a":2}"#) }
        // However it is written, and wherever it is.
        #expect(throws: JSONError.duplicateName(offset: 11)) { try self.parse(#"[{"a":[],  "\u0061":null}]"#) }
        let apart = try self.parse(#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#)
        let two: JSONValue = .array([.object(["a": .integer(2)]), .object(["a": .integer(3)])])
        #expect(apart == .object(["a": .object(["a": .integer(1)]), "b": two]))
    }

    @Test(arguments: [
        ("332.0", 332 as Int64?), ("3.32e2", 332), ("0.5", nil), ("1e300", nil), ("-0.0", 0),
        ("-9223372036854775809", nil), ("-9223372036854775808", .min), ("9007199254740993.0", nil),
        ("9007199254740991.0", 9_007_199_254_740_991), ("\"1\"", nil), ("100e-2", 1), ("0.00300E+3", 3), ("-7.0e0", -7),
        ("0e999999", 0), ("0.000e-9", 0), ("1e15", 1_000_000_000_000_000),
    ])
    func integralNumbersAreIntegers(text: String, integer: Int64?) throws {
        let value = try self.parse(text)
        #expect(value.integerValue == integer)
    }

    /// What a Double rounds to an integer was none, and would be somebody else's id.
    @Test(arguments: [
        "1e-400", "-1e-400", "2.0000000000000000000001", "0.99999999999999999999999", "-3.0000000000000000000001",
        "105e-1",
        "4503599627370495.00000001", "20000000000000000000001e-22", "9007199254740990.9999999",
    ])
    func whatOnlyRoundsToAnIntegerIsNone(text: String) throws {
        do throws(JSONError) {
            let value = try JSONReader.parse(Array(text.utf8))
            #expect(value.integerValue == nil)
            guard case .number(let number) = value, let rounded = Double(text) else {
                Issue.record("\(value)")
                return
            }
            #expect(abs(number - rounded) <= rounded.ulp)
        } catch {
            // Close to 2^53 there is no fraction beside it.
            #expect(error == .numberOutOfRange(offset: 0) && text.hasPrefix("9007"))
        }
    }

    @Test func everyPrefixOfADocumentFailsCleanly() throws {
        let bytes = Array(#"{"a":[1,-2.5e3,"x\u00e9\n안"],"b":{"c":null,"d":[true,false]}}"#.utf8)
        _ = try JSONReader.parse(bytes)
        for length in 0..<bytes.count {
            #expect(throws: JSONError.self) { try JSONReader.parse(Array(bytes[..<length])) }
        }
    }

    /// Seeded: what survives mutation must also survive being written and read again.
    @Test func mutatedDocumentsNeverTrap() throws {
        let document = Array(#"{"a":[1,-2.5e3,"x\u00e9\n\ud83d\ude00"],"b":{"c":null,"d":[true,false,9e18]}}"#.utf8)
        var state: UInt64 = 0x5eed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var survivors = 0
        for _ in 0..<20_000 {
            var bytes = document
            for _ in 0...random(3) {
                switch random(3) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes.remove(at: random(bytes.count))
                default: bytes.insert(document[random(document.count)], at: random(bytes.count))
                }
            }
            guard let value = try? JSONReader.parse(bytes) else { continue }
            survivors += 1
            let again = try JSONReader.parse(JSONWriter.bytes(of: value))
            #expect(again == value)
        }
        #expect(survivors > 100)
    }
}
