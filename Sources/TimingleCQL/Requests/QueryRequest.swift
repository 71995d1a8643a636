internal import TimingleNet

/// QUERY: a statement as text, run once (section 4.1.4).
///
/// Values are written by the types that they have by themselves: the server converts nothing.
package struct QueryRequest: Sendable, Equatable {
    package var text: String
    package var parameters: CQLQueryParameters

    package init(_ text: String, _ parameters: CQLQueryParameters) {
        self.text = text
        self.parameters = parameters
    }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        do throws(WireError) { try writer.writeCQLLongString(self.text) } catch { throw CQLCodingError(error) }
        try self.parameters.write(to: &writer, markers: nil)
    }
}
