import Testing

@testable import TimingleNet

struct HTTPPreconditionsTests {
    private static let modified: Int64 = 784_111_777
    private static let same = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let earlier = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let later = "Sun, 06 Nov 1994 08:49:38 GMT"
    private static let now: Int64 = modified + 1_000
    private static let current = HTTPValidators(tag: HTTPEntityTag(opaque: "a"), modified: modified)
    private static let weak = HTTPValidators(tag: HTTPEntityTag(opaque: "a", isWeak: true), modified: modified)

    private struct Row: CustomTestStringConvertible {
        var fields: [(String, String)]
        var outcome: HTTPPreconditions.Outcome
        /// For methods that change something.
        var ofPut: HTTPPreconditions.Outcome

        init(
            _ outcome: HTTPPreconditions.Outcome,
            ofPut: HTTPPreconditions.Outcome? = nil,
            _ fields: (String, String)...
        ) {
            self.fields = fields
            self.outcome = outcome
            self.ofPut = ofPut ?? outcome
        }

        var testDescription: String { "\(self.fields)" }
    }

    private static let rows: [Row] = [
        Row(.perform),
        Row(.perform, ("If-Match", "*")), Row(.perform, ("If-Match", "\"b\", \"a\"")),
        Row(.failed, ("If-Match", "\"b\"")), Row(.failed, ("If-Match", "W/\"a\"")), Row(.failed, ("If-Match", "a")),
        Row(.failed, ("If-Match", "")),
        Row(.perform, ("If-Unmodified-Since", same)), Row(.perform, ("If-Unmodified-Since", later)),
        Row(.failed, ("If-Unmodified-Since", earlier)), Row(.perform, ("If-Unmodified-Since", "yesterday")),
        Row(.notModified, ofPut: .failed, ("If-None-Match", "*")),
        Row(.notModified, ofPut: .failed, ("If-None-Match", "\"a\"")),
        Row(.notModified, ofPut: .failed, ("If-None-Match", "\"b\", W/\"a\"")),
        Row(.notModified, ofPut: .failed, ("If-None-Match", "\"b\""), ("If-None-Match", "\"a\"")),
        Row(.perform, ("If-None-Match", "\"b\"")), Row(.perform, ("If-None-Match", "a")),
        Row(.notModified, ofPut: .perform, ("If-Modified-Since", same)),
        Row(.notModified, ofPut: .perform, ("If-Modified-Since", later)),
        Row(.notModified, ofPut: .perform, ("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")),
        Row(.perform, ("If-Modified-Since", earlier)), Row(.perform, ("If-Modified-Since", "0")),
        Row(.perform, ("If-Modified-Since", same), ("If-Modified-Since", same)),
        // A tag says it better: the date beside it does not count.
        Row(.perform, ("If-Match", "\"a\""), ("If-Unmodified-Since", earlier)),
        Row(.failed, ("If-Match", "\"b\""), ("If-Unmodified-Since", later)),
        Row(.perform, ("If-None-Match", "\"b\""), ("If-Modified-Since", later)),
        Row(.notModified, ofPut: .failed, ("If-None-Match", "\"a\""), ("If-Modified-Since", earlier)),
        // What forbids is asked before what spares.
        Row(.failed, ("If-None-Match", "\"a\""), ("If-Match", "\"b\"")),
        Row(.failed, ("If-Modified-Since", same), ("If-Unmodified-Since", earlier)),
        Row(.notModified, ofPut: .failed, ("If-None-Match", "\"a\""), ("If-Match", "\"a\"")),
        Row(.notModified, ofPut: .perform, ("If-Modified-Since", same), ("If-Unmodified-Since", same)),
    ]

    private static func fields(_ pairs: [(String, String)]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { fields.append(name, value) }
        return fields
    }

    @Test func conditionsAreAskedInTheirOrder() {
        for row in Self.rows {
            let fields = Self.fields(row.fields)
            for (method, outcome) in [(HTTPMethod.get, row.outcome), (.head, row.outcome), (.put, row.ofPut)] {
                let seen = HTTPPreconditions.evaluate(fields, method: method, Self.current, now: Self.now)
                #expect(seen == outcome, "\(method) \(row.fields)")
            }
        }
    }

    @Test func aWeakTagIsGoodForCachesOnly() {
        func evaluate(_ name: String, _ value: String) -> HTTPPreconditions.Outcome {
            HTTPPreconditions.evaluate([name: value], method: .get, Self.weak, now: Self.now)
        }
        #expect(evaluate("If-None-Match", "\"a\"") == .notModified)
        #expect(evaluate("If-None-Match", "W/\"a\"") == .notModified)
        #expect(evaluate("If-Match", "\"a\"") == .failed)
        #expect(evaluate("If-Match", "W/\"a\"") == .failed)
        #expect(evaluate("If-Match", "*") == .perform)
    }

    private static let aRangeCountsWhereItsRestIsTheSameTable: [(String, Bool)] = [
        ("\"a\"", true), ("W/\"a\"", false), ("\"b\"", false), (same, true), (earlier, false), (later, false),
        ("Sunday, 06-Nov-94 08:49:37 GMT", true), ("", false), ("a", false), ("*", false), ("\"a\", \"b\"", false),
    ]

    @Test(arguments: Self.aRangeCountsWhereItsRestIsTheSameTable)
    func aRangeCountsWhereItsRestIsTheSame(ifRange: String, counts: Bool) {
        let fields: HTTPFields = ["Range": "bytes=0-1", "If-Range": ifRange]
        #expect(HTTPPreconditions.honoursRange(fields, method: .get, Self.current, now: Self.now) == counts)
        #expect(!HTTPPreconditions.honoursRange(fields, method: .head, Self.current, now: Self.now))
    }

    @Test func rangesAreForGet() {
        #expect(HTTPPreconditions.honoursRange(["Range": "x"], method: .get, Self.current, now: Self.now))
        #expect(!HTTPPreconditions.honoursRange(["Range": "x"], method: .head, Self.current, now: Self.now))
        #expect(!HTTPPreconditions.honoursRange([:], method: .get, Self.current, now: Self.now))
        let weak: HTTPFields = ["Range": "x", "If-Range": "\"a\""]
        #expect(!HTTPPreconditions.honoursRange(weak, method: .get, Self.weak, now: Self.now))
    }

    @Test(arguments: [(0, false), (1, false), (2, true)])
    func aDateOfJustNowMayStandForTwoStates(seconds: Int64, counts: Bool) {
        let fields: HTTPFields = ["Range": "bytes=0-1", "If-Range": Self.same]
        let now = Self.modified + seconds
        #expect(HTTPPreconditions.honoursRange(fields, method: .get, Self.current, now: now) == counts)
    }
}
