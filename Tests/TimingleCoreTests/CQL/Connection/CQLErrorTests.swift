import Testing
import TimingleCQL

struct CQLErrorTests {
    @Test(arguments: [CQLError.Code.connectionLost, .writeTimeout, .writeFailure, .casWriteUnknown, .serverError])
    func whatMayHaveTakenEffectIsUnknown(code: CQLError.Code) {
        #expect(CQLError(code, "").isUnknownOutcome)
    }

    @Test(arguments: [CQLError.Code.timeout, .cancelled, .closed, .decoding])
    func ourOwnEndsAreUnknownOnlyOnceSent(code: CQLError.Code) {
        #expect(!CQLError(code, "", wasSent: false).isUnknownOutcome)
        #expect(CQLError(code, "", wasSent: true).isUnknownOutcome)
    }

    @Test(arguments: [CQLError.Code.notConnected, .unavailable, .readTimeout, .invalid, .syntax, .encoding])
    func refusalsHaveNoEffect(code: CQLError.Code) {
        #expect(!CQLError(code, "", wasSent: true).isUnknownOutcome)
    }

    @Test func everyPartIsInTheWords() {
        let error = CQLError(.connectionLost, "gone", node: "127.0.0.1:9042", underlying: "ECONNRESET")
        #expect(error.description == "connectionLost: gone (ECONNRESET) [127.0.0.1:9042]")
    }

    @Test func mistakesAreNotTransient() {
        #expect(!CQLError(.syntax, "").isTransient)
        #expect(!CQLError(.authentication, "").isTransient)
        #expect(CQLError(.unavailable, "").isTransient)
    }
}
