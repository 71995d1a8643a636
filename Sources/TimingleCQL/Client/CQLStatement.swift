/// A statement's text, its values, and how it is to run.
///
/// A value. `"SELECT text FROM messages WHERE room = \(room)"` becomes `… WHERE room = ?` with `room` beside it, so a
/// value can never become CQL. Statements with values are prepared; the text is the key of the cache, so the same
/// literal must give the same text.
package struct CQLStatement: Sendable, ExpressibleByStringInterpolation {
    package let text: String
    package let bindings: [CQLValue]
    /// Nil for the client's.
    package var consistency: CQLConsistency?
    /// Of conditional statements: `serial` or `localSerial`; nil for the client's.
    package var serialConsistency: CQLConsistency?
    /// Rows of one page; nil for the client's.
    package var pageSize: Int?
    /// Where the last page ended.
    package var pagingState: [UInt8]?
    /// Stands for the server's time.
    ///
    /// What is tried again needs one, or a later write between the two tries is undone.
    package var timestampMicroseconds: Int64?
    /// Whether running it twice is the same as running it once, so that it may be tried again after an unknown
    /// outcome.
    ///
    /// True for a SELECT by itself. Never true for counters, for lists that grow and for conditional statements.
    package var isIdempotent: Bool
    /// The time for all tries together; nil for the client's.
    package var timeout: Duration?

    package init(stringLiteral value: String) {
        self.init(text: value, bindings: [])
    }

    package init(stringInterpolation: StringInterpolation) {
        self.init(text: stringInterpolation.text, bindings: stringInterpolation.bindings)
    }

    /// A statement without values whose text was built at run time.
    package init(unsafe text: String) {
        self.init(text: text, bindings: [])
    }

    private init(text: String, bindings: [CQLValue]) {
        self.text = text
        self.bindings = bindings
        self.isIdempotent = text.utf8.prefix(7).elementsEqual(Self.select)
    }

    private static let select = Array("SELECT ".utf8)

    /// The same, but that it may be tried again whatever became of it.
    package var idempotent: CQLStatement {
        var statement = self
        statement.isIdempotent = true
        return statement
    }

    /// Joins two fragments; how the left one is to run counts.
    package static func + (left: CQLStatement, right: CQLStatement) -> CQLStatement {
        var joined = CQLStatement(text: left.text + right.text, bindings: left.bindings + right.bindings)
        joined.consistency = left.consistency
        joined.serialConsistency = left.serialConsistency
        joined.pageSize = left.pageSize
        joined.pagingState = left.pagingState
        joined.timestampMicroseconds = left.timestampMicroseconds
        joined.isIdempotent = left.isIdempotent
        joined.timeout = left.timeout
        return joined
    }

    package static func += (left: inout CQLStatement, right: CQLStatement) {
        left = left + right
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var bindings: [CQLValue] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            self.text.reserveCapacity(literalCapacity + interpolationCount)
            self.bindings.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) {
            self.text += literal
        }

        package mutating func appendInterpolation<Value: CQLEncodable>(_ value: Value) {
            self.append(value.cqlValue)
        }

        /// A value; nil is null, which a server keeps as a tombstone.
        package mutating func appendInterpolation<Value: CQLEncodable>(_ value: Value?) {
            self.append(value?.cqlValue ?? .null)
        }

        /// A value; nil leaves the column as it is.
        package mutating func appendInterpolation<Value: CQLEncodable>(orUnset value: Value?) {
            self.append(value?.cqlValue ?? .unset)
        }

        /// Text that goes in as it is.
        ///
        /// Never a value that came from outside.
        package mutating func appendInterpolation(unsafe text: String) {
            self.text += text
        }

        /// Another statement as a part of this one; how it was to run is forgotten.
        package mutating func appendInterpolation(_ fragment: CQLStatement) {
            self.text += fragment.text
            self.bindings += fragment.bindings
        }

        private mutating func append(_ value: CQLValue) {
            self.text += "?"
            self.bindings.append(value)
        }
    }
}
