internal import CPostgres

/// Copies rows and errors out of libpq's results, so that none of its pointers goes further.
enum PostgresResultReader {
    /// The fields of an error message (section 55.8 of the manual); libpq's macros are character literals.
    private enum Field: UInt8 {
        case severity = 0x56  // V
        case sqlState = 0x43  // C
        case primaryMessage = 0x4D  // M
        case detail = 0x44  // D
        case table = 0x74  // t
        case column = 0x63  // c
        case constraint = 0x6E  // n
    }

    /// Copies the rows.
    ///
    /// The caller keeps ownership of `pointer`.
    static func result(_ pointer: OpaquePointer) -> PostgresResult {
        let columnCount = PQnfields(pointer)
        let rowCount = PQntuples(pointer)
        let affected = Self.affectedRows(pointer)
        let tag = PQcmdStatus(pointer).map { String(cString: $0) } ?? ""
        guard columnCount > 0 else {
            return PostgresResult(storage: .empty, affectedRows: affected, commandTag: tag)
        }
        let columns = (0..<columnCount).map { index in
            PostgresResultStorage.Column(
                name: PQfname(pointer, index).map { String(cString: $0) } ?? "",
                type: PostgresType(rawValue: PQftype(pointer, index))
            )
        }
        var cells: [PostgresResultStorage.Cell] = []
        cells.reserveCapacity(Int(columnCount) * Int(rowCount))
        var bytes: [UInt8] = []
        for row in 0..<rowCount {
            for column in 0..<columnCount {
                guard PQgetisnull(pointer, row, column) == 0, let value = PQgetvalue(pointer, row, column) else {
                    cells.append(PostgresResultStorage.Cell(offset: 0, length: -1))
                    continue
                }
                let length = Int(PQgetlength(pointer, row, column))
                cells.append(PostgresResultStorage.Cell(offset: bytes.count, length: length))
                // SAFETY: libpq's buffer of `length` bytes lives until PQclear, which the caller does after us.
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: value, count: length))
            }
        }
        let storage = PostgresResultStorage(columns: columns, rowCount: Int(rowCount), cells: cells, bytes: bytes)
        return PostgresResult(storage: storage, affectedRows: affected, commandTag: tag)
    }

    static func error(_ pointer: OpaquePointer) -> PostgresError {
        var error = PostgresError(
            .server,
            Self.field(pointer, .primaryMessage) ?? Self.firstLine(PQresultErrorMessage(pointer)),
            sqlState: Self.field(pointer, .sqlState),
            constraint: Self.field(pointer, .constraint)
        )
        error.table = Self.field(pointer, .table)
        error.column = Self.field(pointer, .column)
        error.detail = Self.field(pointer, .detail)
        // An error that libpq made up itself (a protocol violation, no memory) has no SQLSTATE.
        guard error.sqlState != nil else { return PostgresError(.connectionLost, error.message) }
        return error
    }

    static func notice(_ pointer: OpaquePointer) -> (severity: String, message: String) {
        let severity = Self.field(pointer, .severity) ?? "NOTICE"
        return (severity, Self.field(pointer, .primaryMessage) ?? "")
    }

    static func firstLine(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "unknown error" }
        let line = String(cString: text).split(separator: "\n").first.map(String.init)
        return line ?? "connection closed by the server"
    }

    private static func affectedRows(_ pointer: OpaquePointer) -> Int {
        guard let text = PQcmdTuples(pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    private static func field(_ pointer: OpaquePointer, _ field: Field) -> String? {
        PQresultErrorField(pointer, CInt(field.rawValue)).map { String(cString: $0) }
    }
}
