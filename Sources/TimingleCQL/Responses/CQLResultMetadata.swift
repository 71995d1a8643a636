internal import TimingleNet

/// The columns of a result, or the markers of a statement.
///
/// Immutable. Shared by all results that have the same.
package final class CQLResultMetadata: Sendable {
    /// One column.
    package struct Column: Hashable, Sendable {
        package let keyspace: String
        package let table: String
        package let name: String
        package let type: CQLType

        package init(keyspace: String, table: String, name: String, type: CQLType) {
            self.keyspace = keyspace
            self.table = table
            self.name = name
            self.type = type
        }
    }

    /// The flags of section 4.2.5.2.
    struct Flags: OptionSet {
        let rawValue: Int32
        static let globalTable = Flags(rawValue: 0x01)
        static let hasMorePages = Flags(rawValue: 0x02)
        static let noMetadata = Flags(rawValue: 0x04)
    }

    package let columns: [Column]
    /// The bytes that say all this: results that carry the same ones are not parsed again.
    private let wire: [UInt8]
    private let hasGlobalTable: Bool

    package static let none = CQLResultMetadata(columns: [], wire: [], hasGlobalTable: false)

    private init(columns: [Column], wire: [UInt8], hasGlobalTable: Bool) {
        self.columns = columns
        self.wire = wire
        self.hasGlobalTable = hasGlobalTable
    }

    /// Of these columns, as a test, or a result that the client makes up, has them.
    package convenience init(columns: [Column]) {
        self.init(columns: columns, wire: [], hasGlobalTable: false)
    }

    package func index(of name: String) -> Int? { self.columns.firstIndex { $0.name == name } }

    /// Reads column specifications that begin at `offset` of `body`, and returns where they end.
    static func read(
        _ body: [UInt8],
        from offset: Int,
        count: Int,
        flags: Flags,
        known: CQLResultMetadata?
    ) throws(WireError) -> (metadata: CQLResultMetadata, end: Int) {
        let hasGlobalTable = flags.contains(.globalTable)
        if let known, known.columns.count == count, known.hasGlobalTable == hasGlobalTable,
            known.matches(body, at: offset)
        {
            return (known, offset + known.wire.count)
        }
        var reader = ByteReader(body.span.bytes)
        try reader.skip(offset)
        // A name and a type are four bytes at least.
        guard count <= reader.remaining / 4 else { throw .truncated }
        var global: (keyspace: String, table: String)?
        if hasGlobalTable { global = (try reader.readCQLString(), try reader.readCQLString()) }
        var columns: [Column] = []
        columns.reserveCapacity(count)
        for _ in 0..<count {
            let table: (keyspace: String, table: String)
            if let global { table = global } else { table = (try reader.readCQLString(), try reader.readCQLString()) }
            let name = try reader.readCQLString()
            let type = try reader.readCQLType()
            columns.append(Column(keyspace: table.keyspace, table: table.table, name: name, type: type))
        }
        let end = reader.position
        let wire = Array(body[offset..<end])
        return (CQLResultMetadata(columns: columns, wire: wire, hasGlobalTable: hasGlobalTable), end)
    }

    private func matches(_ body: [UInt8], at offset: Int) -> Bool {
        let count = self.wire.count
        guard count > 0, body.count - offset >= count else { return false }
        return body[offset..<(offset + count)] == self.wire[...]
    }
}
