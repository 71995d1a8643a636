internal import TimingleNet

/// STARTUP: opens a connection with the options that both sides know (section 4.1.1).
package struct StartupRequest: Sendable, Equatable {
    package var options: [String: String]

    /// Further options tell a server who we are; `CQL_VERSION` is always there.
    package init(options: [String: String] = [:]) {
        self.options = options.merging(["CQL_VERSION": "3.0.0"]) { own, _ in own }
    }

    func write(to writer: inout ByteWriter) throws(CQLCodingError) {
        do throws(WireError) { try writer.writeCQLStringMap(self.options) } catch { throw CQLCodingError(error) }
    }
}
