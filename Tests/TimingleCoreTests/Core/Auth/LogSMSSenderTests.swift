import TimingleNet
import TimingleTestSupport
import Testing

@testable import TimingleCore

struct LogSMSSenderTests {
    private final class Lines: LogSink {
        private let lines = Locked<[String]>([])
        var all: [String] { self.lines.withLock { $0 } }
        func write(_ line: LogLine) { self.lines.withLock { $0.append("\(line.level.name) \(line.message)") } }
    }

    @Test func theCodeIsOneReadableLine() async throws {
        let lines = Lines()
        let sender = LogSMSSender(log: Log(label: "test", level: .info, sink: lines))
        try await sender.send(code: "012345", to: "+821012345678", language: .korean)
        #expect(lines.all == ["notice verification code for +821012345678: 012345"])
    }

    @Test func auditLinesCarryTheEventAndNoSecret() {
        let lines = Lines()
        let audit = LogAuthAudit(log: Log(label: "test", level: .info, sink: lines))
        audit.record(AuthAuditEvent(.refreshTokenReused, userID: UserID(rawValue: 7)))
        audit.record(AuthAuditEvent(.compatSignIn, userID: UserID(rawValue: 7), ipAddress: "10.0.0.1"))
        #expect(lines.all == ["warning auth", "notice auth"])
    }
}
