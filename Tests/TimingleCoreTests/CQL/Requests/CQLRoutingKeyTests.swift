import Testing

@testable import TimingleCQL

struct CQLRoutingKeyTests {
    @Test func oneColumnIsHashedAsItIs() {
        #expect(self.key([.text], [0], [.text("123")]) == Array("123".utf8))
    }

    @Test func severalColumnsAreJoinedInTheKeysOrder() {
        let key = self.key([.int, .bigint, .text], [2, 0], [.int(7), .bigint(1), .text("ab")])
        #expect(key == [0, 2, 0x61, 0x62, 0, 0, 4, 0, 0, 0, 7, 0])
    }

    /// The bytes are those of the column's type, not of the value's.
    @Test func valuesBecomeWhatTheColumnIs() {
        #expect(self.key([.bigint], [0], [.int(7)]) == [0, 0, 0, 0, 0, 0, 0, 7])
    }

    @Test(arguments: [CQLValue.null, .unset])
    func whatCannotBeAKeyHasNone(value: CQLValue) {
        #expect(self.key([.text], [0], [value]) == nil)
        #expect(self.key([.text, .int], [0, 1], [value, .int(1)]) == nil)
    }

    @Test func withoutAKeyThereIsNone() {
        #expect(self.key([.text], [], [.text("a")]) == nil)
    }

    private func key(_ types: [CQLType], _ places: [Int], _ values: [CQLValue]) -> [UInt8]? {
        let markers = types.enumerated().map { index, type in
            CQLResultMetadata.Column(keyspace: "k", table: "t", name: "c\(index)", type: type)
        }
        let prepared = CQLPrepared(id: [1], markers: markers, partitionKey: places, result: .none)
        let parameters = CQLQueryParameters(consistency: .one, values: values)
        let request = CQLRequest.execute(ExecuteRequest(prepared, parameters))
        return (try? request.encode())?.routingKey
    }
}
