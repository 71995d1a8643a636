import Testing

@testable import TimingleCQL

struct CQLRoutingKeyTests {
    @Test func oneColumnIsHashedAsItIs() {
        let prepared = self.prepared([.text], key: [0])
        #expect(CQLRoutingKey.token(prepared, [.text("123")]) == CQLToken(-7_468_325_962_851_647_638))
    }

    @Test func severalColumnsAreJoinedInTheKeysOrder() {
        let prepared = self.prepared([.int, .bigint, .text], key: [2, 0])
        let joined: [UInt8] = [0, 2, 0x61, 0x62, 0, 0, 4, 0, 0, 0, 7, 0]
        let token = CQLRoutingKey.token(prepared, [.int(7), .bigint(1), .text("ab")])
        #expect(token == Murmur3Partitioner.token(joined))
    }

    /// The bytes are those of the column's type, not of the value's.
    @Test func valuesBecomeWhatTheColumnIs() {
        let prepared = self.prepared([.bigint], key: [0])
        #expect(CQLRoutingKey.token(prepared, [.int(7)]) == Murmur3Partitioner.token([0, 0, 0, 0, 0, 0, 0, 7]))
    }

    @Test(arguments: [CQLValue.null, .unset, .text(String(repeating: "x", count: 65_536)), .boolean(true)])
    func whatCannotBeAKeyHasNoToken(value: CQLValue) {
        #expect(CQLRoutingKey.token(self.prepared([.text], key: [0]), [value]) == nil)
        #expect(CQLRoutingKey.token(self.prepared([.text, .int], key: [0, 1]), [value, .int(1)]) == nil)
    }

    @Test func theLongestKeyHasOne() {
        let value = CQLValue.text(String(repeating: "x", count: 65_535))
        #expect(CQLRoutingKey.token(self.prepared([.text], key: [0]), [value]) != nil)
    }

    @Test func withoutAKeyOrWithTheWrongNumberOfValuesThereIsNone() {
        #expect(CQLRoutingKey.token(self.prepared([.text], key: []), [.text("a")]) == nil)
        #expect(CQLRoutingKey.token(self.prepared([.text], key: [0]), []) == nil)
    }

    private func prepared(_ types: [CQLType], key: [Int]) -> CQLPrepared {
        let markers = types.enumerated().map { index, type in
            CQLResultMetadata.Column(keyspace: "k", table: "t", name: "c\(index)", type: type)
        }
        return CQLPrepared(id: [1], markers: markers, partitionKey: key, result: .none)
    }
}
