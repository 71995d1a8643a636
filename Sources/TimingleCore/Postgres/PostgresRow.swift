/// The answer to one statement: its rows and how many rows it touched.
///
/// Immutable. Everything was copied out of libpq's result.
package struct PostgresResult: Sendable, RandomAccessCollection {
    fileprivate let storage: PostgresResultStorage
    /// Rows inserted, updated, deleted or selected; 0 for statements that count nothing.
    package let affectedRows: Int
    /// The server's word for what it did: `INSERT 0 1`, `COMMIT`.
    let commandTag: String

    init(storage: PostgresResultStorage, affectedRows: Int, commandTag: String) {
        self.storage = storage
        self.affectedRows = affectedRows
        self.commandTag = commandTag
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { self.storage.rowCount }
    package var rowCount: Int { self.storage.rowCount }
    package var rows: [PostgresRow] { Array(self) }
    package var columnNames: [String] { self.storage.columns.map(\.name) }

    package subscript(position: Int) -> PostgresRow {
        precondition(position >= 0 && position < self.storage.rowCount, "row index out of range")
        return PostgresRow(storage: self.storage, row: position)
    }
}

/// One row: typed values by column name or index.
///
/// Immutable.
package struct PostgresRow: Sendable {
    fileprivate let storage: PostgresResultStorage
    fileprivate let row: Int

    /// Reads a column by name; ask for an `Optional` where NULL may stand.
    package func decode<Value: PostgresDecodable>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let index = self.storage.columns.firstIndex(where: { $0.name == column }) else {
            throw PostgresError(.decoding, "no column \(column)")
        }
        return try self.decode(at: index, as: type)
    }

    /// Reads a column by its place, counted from 0.
    package func decode<Value: PostgresDecodable>(
        at index: Int,
        as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard self.storage.columns.indices.contains(index) else {
            throw PostgresError(.decoding, "no column at \(index)")
        }
        do {
            return try Value.decode(self.storage.value(row: self.row, column: index))
        } catch {
            let name = self.storage.columns[index].name
            throw PostgresError(.decoding, "column \(name) as \(Value.self): \(error)")
        }
    }

    package subscript(index: Int) -> PostgresValue { self.storage.value(row: self.row, column: index) }
}

/// All cells of one result, end to end in one buffer.
///
/// Immutable.
final class PostgresResultStorage: Sendable {
    struct Column: Sendable {
        let name: String
        let type: PostgresType
    }

    /// Where a cell's bytes stand; a length of -1 is NULL.
    struct Cell: Sendable {
        let offset: Int
        let length: Int
    }

    let columns: [Column]
    let rowCount: Int
    private let cells: [Cell]
    private let bytes: [UInt8]

    init(columns: [Column], rowCount: Int, cells: [Cell], bytes: [UInt8]) {
        precondition(cells.count == columns.count * rowCount, "a result without all of its cells")
        self.columns = columns
        self.rowCount = rowCount
        self.cells = cells
        self.bytes = bytes
    }

    static let empty = PostgresResultStorage(columns: [], rowCount: 0, cells: [], bytes: [])

    func value(row: Int, column: Int) -> PostgresValue {
        let cell = self.cells[row * self.columns.count + column]
        let type = self.columns[column].type
        guard cell.length >= 0 else { return PostgresValue(type: type, bytes: nil) }
        return PostgresValue(type: type, bytes: self.bytes[cell.offset..<cell.offset + cell.length])
    }
}
