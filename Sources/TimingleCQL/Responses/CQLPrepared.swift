internal import TimingleNet

/// What PREPARE brought: an id, the markers, which of them are the partition key, and the columns of results.
///
/// Immutable.
package struct CQLPrepared: Sendable {
    package let id: [UInt8]
    package let markers: [CQLResultMetadata.Column]
    /// Places among the markers, in the order of the partition key's columns; empty where the server cannot tell.
    package let partitionKey: [Int]
    package let result: CQLResultMetadata

    package init(
        id: [UInt8],
        markers: [CQLResultMetadata.Column],
        partitionKey: [Int],
        result: CQLResultMetadata
    ) {
        self.id = id
        self.markers = markers
        self.partitionKey = partitionKey
        self.result = result
    }

    init(from outer: inout ByteReader) throws(WireError) {
        let body = try outer.readArray(outer.remaining)
        var reader = ByteReader(body.span.bytes)
        self.id = try reader.readCQLShortBytes()
        let flags = CQLResultMetadata.Flags(rawValue: try reader.readInt32())
        let markerCount = try reader.readCQLColumnCount()
        let keyCount = Int(try reader.readInt32())
        guard keyCount >= 0, keyCount <= markerCount, keyCount <= reader.remaining / 2 else {
            throw .malformed("partition key of a statement")
        }
        var partitionKey: [Int] = []
        partitionKey.reserveCapacity(keyCount)
        for _ in 0..<keyCount {
            let place = Int(try reader.readUInt16())
            guard place < markerCount else { throw .malformed("partition key of a statement") }
            partitionKey.append(place)
        }
        self.partitionKey = partitionKey
        let (markers, end) = try CQLResultMetadata.read(
            body,
            from: reader.position,
            count: markerCount,
            flags: flags,
            known: nil
        )
        self.markers = markers.columns
        try reader.skip(end - reader.position)
        let resultFlags = CQLResultMetadata.Flags(rawValue: try reader.readInt32())
        let columnCount = try reader.readCQLColumnCount()
        if resultFlags.contains(.hasMorePages) { _ = try reader.readCQLBytes() }
        // What only writes has no columns, and says so by "no metadata" as well.
        guard !resultFlags.contains(.noMetadata), columnCount > 0 else {
            self.result = .none
            return
        }
        self.result = try CQLResultMetadata.read(
            body,
            from: reader.position,
            count: columnCount,
            flags: resultFlags,
            known: nil
        ).metadata
    }
}

extension ByteReader {
    /// A number of columns; more than 65,535 nobody can have.
    @_lifetime(self: copy self)
    mutating func readCQLColumnCount() throws(WireError) -> Int {
        guard let count = UInt16(exactly: try self.readInt32()) else { throw .malformed("number of columns") }
        return Int(count)
    }
}
