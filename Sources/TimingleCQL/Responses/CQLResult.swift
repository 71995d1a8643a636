internal import TimingleNet

/// The rows that a statement brought, or none.
///
/// Immutable. The rows share the response's bytes and are decoded when somebody asks.
package struct CQLResult: Sendable, RandomAccessCollection {
    package let pagingState: [UInt8]?
    package internal(set) var warnings: [String] = []
    private let rows: CQLRowStorage

    /// No rows.
    package init() {
        self.pagingState = nil
        self.rows = CQLRowStorage.none
    }

    package var metadata: CQLResultMetadata { self.rows.metadata }
    package var columnNames: [String] { self.metadata.columns.map(\.name) }
    package var startIndex: Int { 0 }
    package var endIndex: Int { self.rows.count }
    package subscript(position: Int) -> CQLRow { CQLRow(self.rows, position) }

    /// Whether a conditional statement did what it says; nil for others.
    package var wasApplied: Bool? {
        guard let column = self.metadata.columns.first, column.name == "[applied]", column.type == .boolean,
            let row = self.first
        else { return nil }
        let cell = row.cell(at: 0)
        return cell.byteCount == 1 && cell.bytes[0] != 0
    }

    /// Reads the body of a result of kind Rows, behind its kind.
    ///
    /// Every cell's length is checked here, so that a row can be read without care afterwards.
    init(from outer: inout ByteReader, known: CQLResultMetadata?) throws(WireError) {
        let body = try outer.readArray(outer.remaining)
        var reader = ByteReader(body.span.bytes)
        let flags = CQLResultMetadata.Flags(rawValue: try reader.readInt32())
        let columnCount = try reader.readCQLColumnCount()
        self.pagingState = flags.contains(.hasMorePages) ? try reader.readCQLBytes() : nil
        let metadata: CQLResultMetadata
        if flags.contains(.noMetadata) {
            guard let known, known.columns.count == columnCount else { throw .malformed("rows without metadata") }
            metadata = known
        } else {
            let end: Int
            (metadata, end) = try CQLResultMetadata.read(
                body,
                from: reader.position,
                count: columnCount,
                flags: flags,
                known: known
            )
            try reader.skip(end - reader.position)
        }
        let rowCount = Int(try reader.readInt32())
        // A cell is four bytes at least; rows of no cells would be free, and so as many as somebody likes.
        guard rowCount >= 0, rowCount == 0 || columnCount > 0,
            rowCount <= reader.remaining / (4 * Swift.max(1, columnCount))
        else { throw .malformed("number of rows") }
        var offsets: [UInt32] = []
        offsets.reserveCapacity(rowCount * columnCount)
        for _ in 0..<(rowCount * columnCount) {
            offsets.append(UInt32(truncatingIfNeeded: reader.position))
            let count = try reader.readInt32()
            if count > 0 { try reader.skip(Int(count)) }
        }
        self.rows = CQLRowStorage(metadata: metadata, body: body, offsets: offsets, count: rowCount)
    }
}

/// The bytes of a response and where each cell begins in them.
///
/// Immutable.
final class CQLRowStorage: Sendable {
    static let none = CQLRowStorage(metadata: .none, body: [], offsets: [], count: 0)

    let metadata: CQLResultMetadata
    let body: [UInt8]
    /// Of each cell's length, row by row; behind it are the bytes, checked to be there.
    let offsets: [UInt32]
    let count: Int

    init(metadata: CQLResultMetadata, body: [UInt8], offsets: [UInt32], count: Int) {
        self.metadata = metadata
        self.body = body
        self.offsets = offsets
        self.count = count
    }

    func cell(row: Int, column: Int) -> CQLCell {
        let offset = Int(self.offsets[row * self.metadata.columns.count + column])
        let body = self.body
        // SAFETY: four bytes from `offset` were read as the length when the result was; any bits are an integer.
        let length = unsafe body.span.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Int32.self)
        return CQLCell(
            type: self.metadata.columns[column].type,
            storage: body,
            start: offset + 4,
            count: Int(Int32(bigEndian: length))
        )
    }
}
