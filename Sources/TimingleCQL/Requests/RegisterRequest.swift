internal import TimingleNet

/// REGISTER: asks for events of these types on this connection (section 4.1.8).
package struct RegisterRequest: Sendable, Equatable {
    package var types: [CQLEventType]

    package init(_ types: [CQLEventType]) { self.types = types }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        do throws(WireError) {
            try writer.writeCQLStringList(self.types.map(\.rawValue))
        } catch {
            throw CQLCodingError(error)
        }
    }
}
