import Testing
import TimingleTestSupport

@testable import TimingleCore

struct SystemLineTests {
    @Test(arguments: [
        (ChangeType.created, "민수님이 약속을 만들었습니다.", "민수 created the event."),
        (.confirmed, "민수님이 약속을 확정했습니다.", "민수 confirmed the event."),
        (.canceled, "민수님이 약속을 취소했습니다.", "민수 canceled the event."),
        (.done, "약속이 완료되었습니다.", "The event is done."),
    ])
    func changesOfTheEventAreTold(type: ChangeType, korean: String, english: String) {
        #expect(SystemLine.text(of: .sample(1, type: type)) == korean)
        #expect(SystemLine.text(of: .sample(1, type: type, language: .english)) == english)
    }

    @Test(arguments: [
        ChangeType.participantAdded, .participantAccepted, .participantDeclined, .confirmed,
    ])
    func changesOfAParticipantNameThePerson(type: ChangeType) {
        for language in Language.allCases {
            let text = SystemLine.text(of: .sample(1, type: type, language: language, subjectName: "지우"))
            #expect(text?.hasPrefix("지우") == true)
        }
    }

    @Test func aChangeOfFieldsNamesThem() {
        #expect(
            SystemLine.text(of: .sample(1, type: .updated, field: "start_time")) == "민수님이 약속을 변경했습니다: 시작 시간"
        )
        #expect(
            SystemLine.text(of: .sample(1, type: .updated, field: "participants"))
                == "민수님이 약속을 변경했습니다: 참가자의 수락(다시 필요)"
        )
        #expect(SystemLine.text(of: .sample(1, type: .updated)) == nil)
    }

    @Test func whoLeftAndWhoWasPutOutAreTold() {
        let left = EventChange.sample(1, type: .participantRemoved, language: .english, subjectName: "민수")
        #expect(SystemLine.text(of: left) == "민수 left.")
        let removed = EventChange.sample(1, type: .participantRemoved, language: .english, subjectName: "지우")
        #expect(SystemLine.text(of: removed) == "민수 removed 지우.")
    }

    @Test func aConfirmationByEverybodysAnswerNamesNobody() {
        let change = EventChange.sample(1, type: .confirmed, metadata: ["automatic": "true"])
        #expect(SystemLine.text(of: change) == "모두 수락하여 약속이 확정되었습니다.")
    }

    @Test func aReasonIsTold() {
        let change = EventChange.sample(1, type: .canceled, language: .english, metadata: ["reason": "rain"])
        #expect(SystemLine.text(of: change) == "민수 canceled the event: rain")
    }

    @Test func changesSurviveTheWayThroughTheBroker() {
        let change = EventChange.sample(7, type: .updated, field: "title", metadata: ["ip_address": "::1"])
        #expect(ChangeRecord.decode(ChangeRecord.encode(change)) == change)
        #expect(ChangeRecord.decode([1, 2]) == nil)
        #expect(ChangeRecord.decode(Array("{}".utf8)) == nil)
    }

    @Test func theLineAndTheEvidenceAreWrittenOnce() async throws {
        try await ChatWorld.with { world in
            let history = MemoryHistoryStore()
            let recorder = HistoryRecorder(history: history, rooms: world.hub)
            let change = EventChange.sample(1, event: world.event)
            history.failNext(1)
            await #expect(throws: StoreError.self) { try await recorder.store([change]) }
            try await recorder.store([change])
            try await recorder.store([change])
            let entries = try await history.page(event: world.event, before: nil, limit: 10)
            #expect(entries.count == 1)
            let lines = world.broker.messages(world.event)
            #expect(lines.count == 1)
            #expect(lines.first?.type == .system)
            #expect(lines.first?.senderID == .system)
            #expect(lines.first?.metadata["change_type"] == "CREATED")
            #expect(lines.first?.ordinal == 0)
            world.broker.isAway = true
            await #expect(throws: StoreError.self) { try await recorder.store([.sample(2, event: world.event)]) }
        }
    }
}
