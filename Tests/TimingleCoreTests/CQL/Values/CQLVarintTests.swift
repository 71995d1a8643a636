import Testing
import TimingleCQL
import TimingleTestSupport

struct CQLVarintTests {
    @Test(
        arguments: [
            (0, [0x00]), (1, [0x01]), (127, [0x7F]), (128, [0x00, 0x80]), (129, [0x00, 0x81]), (-1, [0xFF]),
            (-128, [0x80]), (-129, [0xFF, 0x7F]),
        ] as [(Int64, [UInt8])]
    )
    func bytesAreThoseOfTheSpecification(value: Int64, bytes: [UInt8]) {
        #expect(CQLVarint(value).bytes == bytes)
        #expect(CQLVarint(bytes: bytes).int64 == value)
        #expect(CQLVarint(value).description == "\(value)")
    }

    @Test func superfluousBytesAreDropped() {
        #expect(CQLVarint(bytes: [0, 0, 0x80]) == CQLVarint(128))
        #expect(CQLVarint(bytes: [0xFF, 0xFF, 0x80]) == CQLVarint(-128))
        #expect(CQLVarint(bytes: []) == CQLVarint(0))
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func numbersGoAround(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let value = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random)
        #expect(CQLVarint(value).int64 == value)
        #expect(CQLVarint(value).description == "\(value)")
    }

    @Test func numbersBeyondTheMachineAreWritten() {
        let big = CQLVarint(bytes: [1] + Array(repeating: 0, count: 16))
        #expect(big.int64 == nil)
        #expect(big.description == "340282366920938463463374607431768211456")
        #expect(CQLVarint(bytes: [0x80] + Array(repeating: 0, count: 8)).description == "-2361183241434822606848")
        #expect(CQLVarint(bytes: [0, 0x80, 0, 0, 0, 0, 0, 0, 0]).int64 == nil)
        #expect(CQLVarint(.min).description == "\(Int64.min)")
        #expect(CQLVarint(bytes: [0x3B, 0x9A, 0xCA, 0x00]).description == "1000000000")
    }
}
