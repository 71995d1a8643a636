import Testing

@testable import TimingleNet

struct WebSocketCloseCodeTests {
    @Test func onlyAssignedAndPrivateCodesMayBeOnTheWire() {
        let allowed = Set<UInt16>(1000...1003).union(1007...1014).union(3000...4999)
        for code in UInt16.min...UInt16.max {
            #expect(WebSocketCloseCode(rawValue: code).isAllowedOnTheWire == allowed.contains(code))
        }
    }

    @Test func theFirstHalfOfOursInvitesBackAndTheSecondDoesNot() {
        for code in [WebSocketCloseCode.tokenEnded, .positionLost, .serviceRestart, .goingAway, .tryAgainLater] {
            #expect(code.advice == .reconnect)
        }
        for code in [WebSocketCloseCode.tokenInvalid, .signedOut, .notAMember, .flood, .normal, .policyViolation] {
            #expect(code.advice == .stay)
        }
    }

    @Test func aClosePayloadIsEmptyOrACodeWithText() throws {
        #expect(try WebSocketClosePayload.code([]) == .noStatus)
        #expect(try WebSocketClosePayload.code([0x03, 0xE8]) == .normal)
        #expect(try WebSocketClosePayload.code([0x0F, 0xA1] + Array("끝".utf8)) == .tokenEnded)
        #expect(throws: WebSocketProtocolError.closeTruncated) { try WebSocketClosePayload.code([0x03]) }
        #expect(throws: WebSocketProtocolError.closeCodeInvalid) { try WebSocketClosePayload.code([0x03, 0xED]) }
        #expect(throws: WebSocketProtocolError.invalidUTF8) { try WebSocketClosePayload.code([0x03, 0xE8, 0xC3]) }
        #expect(throws: WebSocketProtocolError.invalidUTF8) { try WebSocketClosePayload.code([0x03, 0xE8, 0xFF]) }
    }

    @Test(arguments: WebSocketProtocolError.allCases)
    func everyPeerErrorHasACodeAndAReasonThatFit(error: WebSocketProtocolError) {
        #expect(error.closeCode.isAllowedOnTheWire)
        #expect(error.reason.utf8.count <= 123)
    }
}
