import Testing

@testable import TimingleCQL

struct Murmur3PartitionerTests {
    @Test(arguments: CQLDriverVectors.tokens)
    func tokensAreThoseOfTheDriver(key: String, token: Int64) {
        #expect(Murmur3Partitioner.token(bytes(key)) == CQLToken(token))
    }

    @Test(arguments: [
        ("123", -7_468_325_962_851_647_638), ("9223372036854775807", 7_162_290_910_810_015_547),
    ])
    func tokensOfTextAreKnown(key: String, token: Int64) {
        #expect(Murmur3Partitioner.token(Array(key.utf8)) == CQLToken(token))
    }

    /// Where MurmurHash3 as published gives another hash: bytes above 0x7f behind the last whole block.
    @Test func theTailIsSigned() {
        let key = [UInt8](repeating: 0xFE, count: 8)
        #expect(Murmur3Partitioner.token(key) == CQLToken(-8_927_430_733_708_461_935))
    }

    @Test func noKeyLiesAtTheStartOfTheRing() {
        #expect(Murmur3Partitioner.token([UInt8]()) == CQLToken(.min))
    }

    @Test func bothNamesOfThePartitionerAreKnown() {
        #expect(Murmur3Partitioner.isNamed("org.apache.cassandra.dht.Murmur3Partitioner"))
        #expect(Murmur3Partitioner.isNamed("Murmur3Partitioner"))
        #expect(!Murmur3Partitioner.isNamed("org.apache.cassandra.dht.RandomPartitioner"))
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { UInt8(Character(UnicodeScalar($0)).hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
