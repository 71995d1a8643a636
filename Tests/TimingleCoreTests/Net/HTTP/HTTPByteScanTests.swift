import Testing
import TimingleTestSupport

@testable import TimingleNet

/// What looks at eight bytes at a time against loops that look at one, with the end of the input at the end of memory.
struct HTTPByteScanTests {
    /// Bytes at which carries and borrows of a word would go wrong.
    private static let delicate: [UInt8] = [
        0x00, 0x01, 0x08, 0x09, 0x0a, 0x0b, 0x0d, 0x1f, 0x20, 0x21, 0x61, 0x7e, 0x7f, 0x80, 0x81, 0x89, 0x8a, 0x8b,
        0x9f,
        0xa0, 0xfe, 0xff,
    ]

    /// Calls `body` with every start in each of the inputs.
    private static func withStarts(_ inputs: [[UInt8]], _ body: (Span<UInt8>, Int) -> Void) {
        for input in inputs {
            let done: Void? = GuardedBytes.with(input) { raw in
                let span = UnsafeBufferPointer(raw.bindMemory(to: UInt8.self)).span
                for start in 0...input.count { body(span, start) }
            }
            #expect(done != nil)
        }
    }

    /// All lengths around two words, each delicate byte at each place of them, among fillers.
    private static let inputs: [[UInt8]] = (0...18).flatMap { count in
        [UInt8(0x61), 0x20, 0x7e, 0x80, 0xff].flatMap { filler in
            (0..<count).flatMap { place in
                delicate.map { byte in
                    var input = [UInt8](repeating: filler, count: count)
                    input[place] = byte
                    return input
                }
            } + [[UInt8](repeating: filler, count: count)]
        }
    }

    private static func random(_ seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<300).map { _ in
            let few = Bool.random(using: &random)
            return (0..<Int.random(in: 0...70, using: &random)).map { _ in
                few ? Self.delicate.randomElement(using: &random) ?? 0 : UInt8.random(in: .min ... .max, using: &random)
            }
        }
    }

    private static func check(_ span: Span<UInt8>, _ start: Int) {
        var naive = start
        while naive < span.count, span[naive] != 0x0a { naive += 1 }
        let lineFeed = span.lineFeed(from: start)
        #expect(lineFeed == naive)
        for end in [span.count, max(start, span.count - 1), start] {
            let range = start..<end
            let value = Self.naiveEnd(span, range) { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }
            let found = [
                span.fieldValueEnd(in: range), span.tokenEnd(in: range), span.targetEnd(in: range),
                span.hostNameEnd(in: range),
            ]
            let expected = [
                value, Self.naiveEnd(span, range, HTTPByteClass.isToken),
                Self.naiveEnd(span, range, HTTPByteClass.isTarget),
                Self.naiveEnd(span, range, HTTPByteClass.isHostName),
            ]
            #expect(found == expected)
        }
    }

    private static func naiveEnd(_ span: Span<UInt8>, _ range: Range<Int>, _ isMember: (UInt8) -> Bool) -> Int {
        for index in range where !isMember(span[index]) { return index }
        return range.upperBound
    }

    @Test func everyPlaceOfAWordIsSeen() {
        Self.withStarts(Self.inputs) { span, start in
            // Not every check of every start: a quarter of a million expectations are enough.
            var naive = start
            while naive < span.count, span[naive] != 0x0a { naive += 1 }
            let value = Self.naiveEnd(span, start..<span.count) { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }
            if span.lineFeed(from: start) != naive { Issue.record("line feed of \(Self.copy(span)) from \(start)") }
            if span.fieldValueEnd(in: start..<span.count) != value {
                Issue.record("value of \(Self.copy(span)) from \(start)")
            }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func randomBytesAreReadAsByLoops(seed: UInt64) {
        let inputs = Self.random(seed).prefix(40)
        Self.withStarts(Array(inputs)) { Self.check($0, $1) }
    }

    /// The classes themselves, against the letters of the RFCs.
    @Test func classesAreThoseOfTheRFCs() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        let token = Set((letters + "!#$%&'*+-.^_`|~").utf8)
        let host = Set((letters + "-._~").utf8)
        for byte in 0...255 as ClosedRange<UInt8> {
            #expect(HTTPByteClass.isToken(byte) == token.contains(byte), "\(byte)")
            #expect(HTTPByteClass.isHostName(byte) == host.contains(byte), "\(byte)")
            let isTarget = byte > 0x20 && byte < 0x7f && !"\"#<>\\".utf8.contains(byte)
            #expect(HTTPByteClass.isTarget(byte) == isTarget, "\(byte)")
            #expect(HTTPByteClass.isFieldValue(byte) == (byte == 9 || (byte >= 32 && byte != 127)), "\(byte)")
        }
    }

    @Test(arguments: ["", ",", "a", " a ", "a,b", ",, a ,\t,b\t,", "a b,c", "ab", "A, ab ,abc", " \t"])
    func membersAreWhatIsBetweenCommas(list: String) {
        let expected = list.split(separator: ",").map { part in
            String(decoding: Array(part.utf8).trimmingHTTPWhitespace(), as: UTF8.self)
        }.filter { !$0.isEmpty }
        let bytes = Array(list.utf8)
        var found: [String] = []
        var index = 0
        while let range = bytes.span.nextMember(from: &index) {
            found.append(String(decoding: bytes[range], as: UTF8.self))
        }
        #expect(found == expected)
        let fields: HTTPFields = ["X": list]
        #expect(fields.members("x") == expected)
        for member in ["a", "ab", "abc", "b"] {
            let has = expected.contains { $0.lowercased() == member }
            #expect(fields.hasMember("x", member) == has && fields.hasMember("x", member.uppercased()) == has)
        }
        let hasMember = bytes.span.hasMember(lowercase: "ab")
        #expect(hasMember == expected.contains { $0.lowercased() == "ab" })
    }

    private static func copy(_ span: Span<UInt8>) -> [UInt8] { span.withUnsafeBufferPointer { Array($0) } }
}
