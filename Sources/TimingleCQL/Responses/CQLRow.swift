/// One row: columns by name or place, decoded when asked for.
///
/// Immutable.
package struct CQLRow: Sendable {
    private let storage: CQLRowStorage
    private let row: Int

    init(_ storage: CQLRowStorage, _ row: Int) {
        precondition(row >= 0 && row < storage.count, "a row that is not in the result")
        self.storage = storage
        self.row = row
    }

    package var columns: [CQLResultMetadata.Column] { self.storage.metadata.columns }

    /// The column's value; an error names the column.
    package func decode<Value: CQLDecodable>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws(CQLCodingError) -> Value {
        guard let index = self.storage.metadata.index(of: column) else {
            throw CQLCodingError(.column, "there is no such column", column: column)
        }
        return try self.decode(at: index)
    }

    package func decode<Value: CQLDecodable>(
        at index: Int,
        as type: Value.Type = Value.self
    ) throws(CQLCodingError) -> Value {
        do throws(CQLCodingError) {
            return try Value.decode(self.cell(at: index))
        } catch {
            throw error.of(column: self.columns[index].name)
        }
    }

    package func cell(at index: Int) -> CQLCell { self.storage.cell(row: self.row, column: index) }
}
