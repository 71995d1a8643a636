/// What went wrong with the broker's connection or with one exchange over it.
package struct NATSError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection: nothing was sent.
        case disconnected
        /// No answer in time: what was sent may or may not have arrived.
        case timeout
        /// Nobody listens on the subject: JetStream is off, or has no leader.
        case noResponders
        /// Too much waits to be sent or answered: nothing was sent.
        case overloaded
        /// The connection was closed by us.
        case closed
        /// An answer that does not follow the protocol.
        case malformedAnswer
        /// The JetStream API refused; `apiCode` says why.
        case refused
        /// cnats reported something else.
        case library
    }

    package let code: Code
    package let message: String
    /// `err_code` of the JetStream API, 0 where there is none.
    package let apiCode: Int64

    package init(_ code: Code, _ message: String, apiCode: Int64 = 0) {
        self.code = code
        self.message = message
        self.apiCode = apiCode
    }

    package var description: String {
        "NATS \(self.code.rawValue): \(self.message)" + (self.apiCode == 0 ? "" : " (\(self.apiCode))")
    }

    static let disconnected = NATSError(.disconnected, "not connected")

    /// Codes of the JetStream API that we act upon.
    enum APICode {
        static let wrongLastSequence: Int64 = 10_071
        static let wrongLastSequenceConstant: Int64 = 10_164
        static let messageNotFound: Int64 = 10_037
        static let streamNotFound: Int64 = 10_059
        static let consumerNotFound: Int64 = 10_014
        static let streamNameInUse: Int64 = 10_058
    }
}
