internal import TimingleNet

/// The bytes whose hash says where a partition lies.
///
/// One column: its bytes. Several: each with its length in two bytes before it and a zero behind it, as the server
/// joins them (`CompositeType`).
enum CQLRoutingKey {
    /// Nil where a part is null or unset, or longer than a key may be: the server will say what is wrong.
    static func token(_ prepared: CQLPrepared, _ values: [CQLValue]) -> CQLToken? {
        guard !prepared.partitionKey.isEmpty, values.count == prepared.markers.count else { return nil }
        var writer = ByteWriter(reserving: 64)
        var starts: [Int] = []
        for place in prepared.partitionKey {
            starts.append(writer.count)
            do throws(CQLCodingError) {
                try values[place].write(to: &writer, as: prepared.markers[place].type)
            } catch {
                return nil
            }
        }
        starts.append(writer.count)
        let bytes = writer.bytes
        // A null is a length below zero and nothing behind it; a key has at most 65,535 bytes.
        guard starts.dropLast().allSatisfy({ bytes[$0] == 0 && bytes[$0 + 1] == 0 }) else { return nil }
        if starts.count == 2 { return Murmur3Partitioner.token(bytes.span.bytes.extracting(droppingFirst: 4)) }
        var key: [UInt8] = []
        key.reserveCapacity(bytes.count)
        for index in 0..<(starts.count - 1) {
            // The lower half of a value's length is the part's.
            key.append(contentsOf: bytes[(starts[index] + 2)..<starts[index + 1]])
            key.append(0)
        }
        return Murmur3Partitioner.token(key.span.bytes)
    }
}
