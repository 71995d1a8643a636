internal import TimingleNet

/// EXECUTE: a prepared statement with its values, each as its marker wants it (section 4.1.6).
package struct ExecuteRequest: Sendable {
    package var prepared: CQLPrepared
    package var parameters: CQLQueryParameters

    package init(_ prepared: CQLPrepared, _ parameters: CQLQueryParameters) {
        self.prepared = prepared
        self.parameters = parameters
    }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        do throws(WireError) { try writer.writeCQLShortBytes(self.prepared.id) } catch { throw CQLCodingError(error) }
        try self.parameters.write(to: &writer, markers: self.prepared.markers)
    }
}
