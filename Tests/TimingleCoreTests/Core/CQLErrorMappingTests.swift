import Testing
import TimingleCQL

@testable import TimingleCore

struct CQLErrorMappingTests {
    @Test func onlyTheDataItselfIsPoison() {
        for code in CQLError.Code.allCases {
            let isRejected = if case .rejected = CQLError(code, "any").asStoreError { true } else { false }
            #expect(isRejected == (code == .encoding), "\(code)")
        }
    }

    @Test(arguments: [
        ("CQL Message of size 5000060 bytes exceeds allowed maximum of 4194304 bytes", true),
        ("table nope does not exist", false), ("Undefined column name nope in table t.chat_messages_by_event", false),
        ("Keyspace 'nope' does not exist", false),
    ])
    func whatIsTooLargeIsPoisonAndWhatIsMissingIsNot(message: String, isPoison: Bool) {
        let isRejected = if case .rejected = CQLError(.invalid, message).asStoreError { true } else { false }
        #expect(isRejected == isPoison)
    }
}
