/// Why a value of ours cannot be a column's, or a column's cannot be a value of ours.
package struct CQLCodingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds that callers tell apart.
    package enum Code: Sendable, Equatable {
        /// The column has another type.
        case typeMismatch
        /// The type is right, the value is beyond what it holds.
        case outOfRange
        /// Null, or nothing, where a value must be.
        case null
        /// The bytes cannot be read as the type that the column has.
        case malformed
        /// No column of that name or place, or another number of values than the statement has.
        case column
        /// Too long, or nested too deep.
        case limitExceeded
    }

    package let code: Code
    /// The rule that was broken, in a few words.
    package let rule: String
    /// The column that it was about; nil until somebody knows.
    package internal(set) var column: String?

    package init(_ code: Code, _ rule: String, column: String? = nil) {
        self.code = code
        self.rule = rule
        self.column = column
    }

    package var description: String { self.column.map { "column \($0): \(self.rule)" } ?? self.rule }

    /// The same, of this column; an inner place that is named already is kept.
    func of(column: @autoclosure () -> String) -> CQLCodingError {
        CQLCodingError(self.code, self.rule, column: self.column ?? column())
    }

    static func mismatch(_ value: String, _ type: CQLType) -> CQLCodingError {
        CQLCodingError(.typeMismatch, "\(value) is no \(type)")
    }
}
