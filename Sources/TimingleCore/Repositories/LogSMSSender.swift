package import TimingleNet

/// Writes the code into the log instead of sending it: for development only, where nobody's phone rings.
package struct LogSMSSender: SMSSender {
    private let log: Log

    package init(log: Log) { self.log = log.labelled("sms") }

    package func send(code: String, to phone: String, language: Language) async throws {
        self.log.notice("verification code for \(phone): \(code)")
    }
}
