internal import TimingleNet

/// PREPARE: a statement's text, for which the server gives an id (section 4.1.5).
package struct PrepareRequest: Sendable, Equatable {
    package var text: String

    package init(_ text: String) { self.text = text }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        do throws(WireError) { try writer.writeCQLLongString(self.text) } catch { throw CQLCodingError(error) }
    }
}
