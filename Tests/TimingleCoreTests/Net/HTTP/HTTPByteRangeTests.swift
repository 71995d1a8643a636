import Testing

@testable import TimingleNet

struct HTTPByteRangeTests {
    private typealias Selection = HTTPByteRange.Selection

    private static func ranges(_ ranges: (Int64, Int64)...) -> Selection {
        .ranges(ranges.map { HTTPByteRange(first: $0.0, last: $0.1) })
    }

    /// The examples of RFC 9110 sections 14.1.2 and 14.2, for 10,000 bytes.
    private static let theExamplesOfTheRFCTable: [(String, HTTPByteRange.Selection)] = [
        ("bytes=0-499", ranges((0, 499))), ("bytes=500-999", ranges((500, 999))),
        ("bytes=-500", ranges((9_500, 9_999))), ("bytes=9500-", ranges((9_500, 9_999))),
        ("bytes=0-0,-1", ranges((0, 0), (9_999, 9_999))),
        ("bytes= 0-0, -1", ranges((0, 0), (9_999, 9_999))),
        ("bytes=500-600,601-999", ranges((500, 600), (601, 999))),
        ("bytes=500-700,601-999", ranges((500, 700), (601, 999))),
        ("bytes= 0-999, 4500-5499, -1000", ranges((0, 999), (4_500, 5_499), (9_000, 9_999))),
    ]

    @Test(arguments: Self.theExamplesOfTheRFCTable)
    func theExamplesOfTheRFC(value: String, selection: HTTPByteRange.Selection) {
        #expect(HTTPByteRange.select(value, of: 10_000) == selection)
    }

    private static let whatExistsIsSelectedTable: [(String, HTTPByteRange.Selection)] = [
        ("bytes=0-", ranges((0, 9))), ("bytes=0-9", ranges((0, 9))), ("bytes=0-10", ranges((0, 9))),
        ("bytes=9-9", ranges((9, 9))), ("bytes=-10", ranges((0, 9))), ("bytes=-11", ranges((0, 9))),
        ("BYTES=1-2", ranges((1, 2))), ("bytes=,,1-2,\t,", ranges((1, 2))),
        ("bytes=3-4,0-1", ranges((3, 4), (0, 1))),
        ("bytes=5-99999999999999999999", ranges((5, 9))), ("bytes=-99999999999999999999", ranges((0, 9))),
        ("bytes=0009-00000000000000000009", ranges((9, 9))),
        // Those that do not exist are left out as long as one does.
        ("bytes=10-,1-1,-0", ranges((1, 1))),
    ]

    @Test(arguments: Self.whatExistsIsSelectedTable)
    func whatExistsIsSelected(value: String, selection: HTTPByteRange.Selection) {
        #expect(HTTPByteRange.select(value, of: 10) == selection)
    }

    @Test(arguments: ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=10-,11-12,-0", "bytes=99999999999999999999-"])
    func whatLiesBehindTheEndIsUnsatisfiable(value: String) {
        #expect(HTTPByteRange.select(value, of: 10) == .unsatisfiable)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes 0-1", "lines=0-1", "bytes=-", "bytes=a-b", "bytes=2-1",
        "bytes=0-1;2-3",
        "bytes=+1-2", "bytes=1-+2", "bytes=0x1-2", "bytes=1 - 2", "bytes=--1", "bytes=1-2-3", "bytes=0-1,x",
        "bytes=0-1,5-4", "bytes=٠-١", "bytes=0-1 2-3", "bytes==0-1", "other=1-2, bytes=1-2",
    ])
    func aMistakeAsksForTheWhole(value: String) {
        #expect(HTTPByteRange.select(value, of: 10) == .whole)
    }

    @Test func ofNothingThereIsNoPart() {
        #expect(HTTPByteRange.select("bytes=0-", of: 0) == .unsatisfiable)
        #expect(HTTPByteRange.select("bytes=-0", of: 0) == .unsatisfiable)
        // A suffix of nothing is all of it, and no Content-Range can say so.
        #expect(HTTPByteRange.select("bytes=-5", of: 0) == .whole)
    }

    @Test func tooManyAskForTheWhole() {
        func asking(_ count: Int) -> String {
            "bytes=" + (0..<count).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",")
        }
        guard case .ranges(let ranges) = HTTPByteRange.select(asking(HTTPByteRange.countMax), of: 1_000) else {
            Issue.record("as many as are allowed were not")
            return
        }
        #expect(ranges.count == HTTPByteRange.countMax)
        #expect(HTTPByteRange.select(asking(HTTPByteRange.countMax + 1), of: 1_000) == .whole)
        // Those that do not exist count too.
        #expect(HTTPByteRange.select(asking(HTTPByteRange.countMax + 1), of: 1) == .whole)
    }

    @Test func manyThatOverlapAskForTheWhole() {
        #expect(HTTPByteRange.select("bytes=0-5,2-7,4-9", of: 10) == Self.ranges((0, 5), (2, 7), (4, 9)))
        #expect(HTTPByteRange.select("bytes=0-,0-,0-", of: 10) == Self.ranges((0, 9), (0, 9), (0, 9)))
        #expect(HTTPByteRange.select("bytes=0-,0-,0-,0-", of: 10) == .whole)
        #expect(HTTPByteRange.select("bytes=5-9,0-9,1-2,6-7", of: 10) == .whole)
    }

    @Test func fieldsAreWrittenAsTheRFCSays() {
        #expect(HTTPByteRange(first: 42, last: 1_233).contentRange(of: 1_234) == "bytes 42-1233/1234")
        #expect(HTTPByteRange.unsatisfied(of: 1_234) == "bytes */1234")
        #expect(HTTPByteRange(first: 42, last: 1_233).count == 1_192)
    }

    /// What is selected lies in the file, whatever was asked.
    @Test func selectionsStayWithinTheLength() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789-,- =bytes".utf8)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...14)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            let length = Int64.random(in: 0...120)
            let value = "bytes=" + String(decoding: text, as: UTF8.self)
            guard case .ranges(let ranges) = HTTPByteRange.select(value, of: length) else { continue }
            #expect(!ranges.isEmpty && ranges.count <= HTTPByteRange.countMax)
            for range in ranges {
                #expect(range.first >= 0 && range.first <= range.last && range.last < length, "\(value)")
            }
        }
    }
}
