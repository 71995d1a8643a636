/// A statement's text and its typed parameters.
///
/// `"SELECT title FROM events WHERE id = \(id)"` becomes `… WHERE id = $1` with `id` beside it in binary, so a value
/// can never become SQL. The text with the parameters' types is the key of the prepared-statement caches.
package struct PostgresStatement: Sendable, ExpressibleByStringInterpolation {
    package let text: String
    let bindings: [PostgresBinding]
    /// The text around the parameters: always one piece more than there are parameters.
    fileprivate let pieces: [String]

    package init(stringLiteral value: String) {
        self.init(pieces: [value], bindings: [])
    }

    package init(stringInterpolation: StringInterpolation) {
        self.init(pieces: stringInterpolation.pieces, bindings: stringInterpolation.bindings)
    }

    /// A statement without parameters whose text was built at run time.
    package init(unsafe text: String) {
        self.init(pieces: [text], bindings: [])
    }

    private init(pieces: [String], bindings: [PostgresBinding]) {
        self.pieces = pieces
        self.bindings = bindings
        var text = pieces[0]
        for index in bindings.indices { text += "$\(index + 1)\(pieces[index + 1])" }
        self.text = text
    }

    /// Joins two fragments; the right one's parameters are renumbered.
    package static func + (left: PostgresStatement, right: PostgresStatement) -> PostgresStatement {
        "\(left)\(right)"
    }

    package static func += (left: inout PostgresStatement, right: PostgresStatement) {
        left = left + right
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var pieces: [String] = [""]
        fileprivate var bindings: [PostgresBinding] = []

        package init(literalCapacity: Int, interpolationCount: Int) {
            self.pieces.reserveCapacity(interpolationCount + 1)
            self.bindings.reserveCapacity(interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) {
            self.pieces[self.pieces.count - 1] += literal
        }

        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
            self.append(PostgresBinding(type: Value.postgresType, bytes: value.postgresBytes))
        }

        /// Nil is NULL of the value's type.
        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            self.append(PostgresBinding(type: Value.postgresType, bytes: value.flatMap { $0.postgresBytes }))
        }

        /// Text that goes in as it is.
        ///
        /// Never a value that came from outside.
        package mutating func appendInterpolation(unsafe text: String) {
            self.appendLiteral(text)
        }

        /// Another statement as a part of this one.
        package mutating func appendInterpolation(_ fragment: PostgresStatement) {
            self.appendLiteral(fragment.pieces[0])
            for (binding, piece) in zip(fragment.bindings, fragment.pieces.dropFirst()) {
                self.append(binding)
                self.appendLiteral(piece)
            }
        }

        private mutating func append(_ binding: PostgresBinding) {
            self.bindings.append(binding)
            self.pieces.append("")
        }
    }
}

/// One parameter: its type and its binary form, nil for NULL.
struct PostgresBinding: Hashable, Sendable {
    let type: PostgresType
    let bytes: [UInt8]?
}
