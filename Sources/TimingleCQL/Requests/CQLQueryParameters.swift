internal import TimingleNet

/// How a statement is to run, and with what: the same for QUERY and EXECUTE (section 4.1.4).
///
/// A value.
package struct CQLQueryParameters: Sendable, Equatable {
    /// The flags of `<query_parameters>`.
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let values = Flags(rawValue: 0x01)
        static let skipMetadata = Flags(rawValue: 0x02)
        static let pageSize = Flags(rawValue: 0x04)
        static let pagingState = Flags(rawValue: 0x08)
        static let serialConsistency = Flags(rawValue: 0x10)
        static let timestamp = Flags(rawValue: 0x20)
        static let names = Flags(rawValue: 0x40)
    }

    package var consistency: CQLConsistency
    package var values: [CQLValue]
    /// One for each value, for named markers of a QUERY; an EXECUTE needs none.
    package var names: [String]?
    /// The rows come without their columns, which are those of the prepared statement.
    ///
    /// Only where nobody alters the table meanwhile: version 4 cannot tell. Repeated columns cost us no more than
    /// their bytes, so off is right for nearly all.
    package var skipsMetadata = false
    /// Rows of one page.
    package var pageSize: Int32?
    /// Where the last page ended.
    package var pagingState: [UInt8]?
    /// Of conditional statements: `serial` or `localSerial`.
    package var serialConsistency: CQLConsistency?
    /// Stands for the server's own time; not negative.
    package var timestampMicroseconds: Int64?

    package init(consistency: CQLConsistency, values: [CQLValue] = [], names: [String]? = nil) {
        self.consistency = consistency
        self.values = values
        self.names = names
    }

    private var flags: Flags {
        var flags: Flags = []
        if !self.values.isEmpty { flags.insert(.values) }
        if !self.values.isEmpty, self.names != nil { flags.insert(.names) }
        if self.skipsMetadata { flags.insert(.skipMetadata) }
        if self.pageSize != nil { flags.insert(.pageSize) }
        if self.pagingState != nil { flags.insert(.pagingState) }
        if self.serialConsistency != nil { flags.insert(.serialConsistency) }
        if self.timestampMicroseconds != nil { flags.insert(.timestamp) }
        return flags
    }

    /// Writes values as `markers` want them; nil where nothing was prepared.
    func write(to writer: inout ByteWriter, markers: [CQLResultMetadata.Column]?) throws(CQLCodingError) {
        writer.writeCQLConsistency(self.consistency)
        writer.writeUInt8(self.flags.rawValue)
        if !self.values.isEmpty || markers?.isEmpty == false {
            try Self.write(self.values, names: self.names, markers: markers, to: &writer)
        }
        if let pageSize = self.pageSize {
            guard pageSize > 0 else { throw CQLCodingError(.outOfRange, "a page of \(pageSize) rows") }
            writer.writeInt32(pageSize)
        }
        if let pagingState = self.pagingState {
            do throws(WireError) { try writer.writeCQLBytes(pagingState) } catch { throw CQLCodingError(error) }
        }
        try Self.write(self.serialConsistency, self.timestampMicroseconds, to: &writer)
    }

    /// The two fields that batches have as well.
    static func write(
        _ serialConsistency: CQLConsistency?,
        _ timestampMicroseconds: Int64?,
        to writer: inout ByteWriter
    ) throws(CQLCodingError) {
        if let serialConsistency {
            guard serialConsistency.isSerial else {
                throw CQLCodingError(.outOfRange, "\(serialConsistency.name) is no serial consistency")
            }
            writer.writeCQLConsistency(serialConsistency)
        }
        if let timestampMicroseconds {
            guard timestampMicroseconds >= 0 else { throw CQLCodingError(.outOfRange, "a timestamp before 1970") }
            writer.writeInt64(timestampMicroseconds)
        }
    }

    /// Writes a count and as many values, which must be as many as there are markers.
    static func write(
        _ values: [CQLValue],
        names: [String]? = nil,
        markers: [CQLResultMetadata.Column]?,
        to writer: inout ByteWriter
    ) throws(CQLCodingError) {
        guard let count = UInt16(exactly: values.count) else {
            throw CQLCodingError(.column, "more than 65,535 values")
        }
        guard (markers?.count ?? values.count) == values.count, (names?.count ?? values.count) == values.count else {
            let wanted = markers?.count ?? names?.count ?? 0
            throw CQLCodingError(.column, "\(values.count) values for \(wanted) markers")
        }
        writer.writeUInt16(count)
        for index in values.indices {
            if let names {
                do throws(WireError) { try writer.writeCQLString(names[index]) } catch { throw CQLCodingError(error) }
            }
            do throws(CQLCodingError) {
                try values[index].write(to: &writer, as: markers?[index].type)
            } catch {
                throw error.of(column: markers?[index].name ?? names?[index] ?? "\(index)")
            }
        }
    }
}
