/// The partition key as the partitioner hashes it, taken from a request's own bytes.
enum CQLRoutingKey {
    /// Reads values that begin at `offset`; nil where the statement names no key, or a part of it is no value.
    ///
    /// One column is its bytes; several are each a length, the bytes and a zero.
    static func read(_ bytes: [UInt8], from offset: Int, of prepared: CQLPrepared) -> [UInt8]? {
        guard !prepared.partitionKey.isEmpty else { return nil }
        let isComposite = prepared.partitionKey.count > 1
        var key: [UInt8] = []
        for place in prepared.partitionKey {
            guard let value = self.value(bytes, from: offset, place) else { return nil }
            guard isComposite else { return Array(value) }
            guard let count = UInt16(exactly: value.count) else { return nil }
            key.append(UInt8(truncatingIfNeeded: count >> 8))
            key.append(UInt8(truncatingIfNeeded: count))
            key.append(contentsOf: value)
            key.append(0)
        }
        return key
    }

    /// The value at `place`, of which we wrote all those before.
    private static func value(_ bytes: [UInt8], from offset: Int, _ place: Int) -> ArraySlice<UInt8>? {
        var offset = offset
        for index in 0...place {
            guard offset + 4 <= bytes.count else { return nil }
            let length = bytes[offset..<(offset + 4)].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            let count = Int(Int32(bitPattern: length))
            offset += 4
            if index == place { return count < 0 ? nil : bytes[offset..<(offset + count)] }
            offset += max(0, count)
        }
        return nil
    }
}
