internal import TimingleNet

/// BATCH: several statements that change data, at once (section 4.1.7).
package struct BatchRequest: Sendable {
    /// What the server promises for all of them together.
    package enum Kind: UInt8, Sendable {
        case logged = 0
        case unlogged = 1
        case counter = 2
    }

    /// One statement with its values.
    package enum Statement: Sendable {
        case text(String, [CQLValue])
        case prepared(CQLPrepared, [CQLValue])
    }

    package var kind: Kind
    package var statements: [Statement]
    package var consistency: CQLConsistency
    package var serialConsistency: CQLConsistency?
    package var timestampMicroseconds: Int64?

    package init(_ kind: Kind, _ statements: [Statement], consistency: CQLConsistency) {
        self.kind = kind
        self.statements = statements
        self.consistency = consistency
    }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        guard let count = UInt16(exactly: self.statements.count) else {
            throw CQLCodingError(.limitExceeded, "more than 65,535 statements")
        }
        writer.writeUInt8(self.kind.rawValue)
        writer.writeUInt16(count)
        for statement in self.statements { try Self.write(statement, to: &writer) }
        writer.writeCQLConsistency(self.consistency)
        var flags: CQLQueryParameters.Flags = []
        if self.serialConsistency != nil { flags.insert(.serialConsistency) }
        if self.timestampMicroseconds != nil { flags.insert(.timestamp) }
        writer.writeUInt8(flags.rawValue)
        try CQLQueryParameters.write(self.serialConsistency, self.timestampMicroseconds, to: &writer)
    }

    private static func write(_ statement: Statement, to writer: inout ByteWriter) throws(CQLCodingError) {
        switch statement {
        case .text(let text, let values):
            writer.writeUInt8(0)
            do throws(WireError) { try writer.writeCQLLongString(text) } catch { throw CQLCodingError(error) }
            try CQLQueryParameters.write(values, markers: nil, to: &writer)
        case .prepared(let prepared, let values):
            writer.writeUInt8(1)
            do throws(WireError) { try writer.writeCQLShortBytes(prepared.id) } catch { throw CQLCodingError(error) }
            try CQLQueryParameters.write(values, markers: prepared.markers, to: &writer)
        }
    }
}
