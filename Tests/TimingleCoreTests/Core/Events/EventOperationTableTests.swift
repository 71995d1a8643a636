import Testing
import TimingleTestSupport

@testable import TimingleCore

/// Every state, every operation, every kind of person: the whole of `contract.md` 4.1 as one table.
@Suite(.timeLimit(.minutes(2)))
struct EventOperationTableTests {
    enum Operation: String, CaseIterable, Sendable {
        case get, update, confirm, cancel, done, add, removeOther, removeSelf, accept, decline, confirmParticipation
    }

    enum Role: String, CaseIterable, Sendable {
        case creator, pending, accepted, declined, stranger
    }

    /// What an operation came to: a refusal's code, or whether something was written.
    enum Outcome: Equatable, CustomStringConvertible {
        case wrote(EventStatus)
        case nothing
        case refused(String)

        var description: String {
            switch self {
            case .wrote(let status): "wrote \(status.rawValue)"
            case .nothing: "nothing"
            case .refused(let code): code
            }
        }
    }

    private static let denied = Outcome.refused("EVENT_ACCESS_DENIED")

    private static func refusal(_ status: EventStatus) -> Outcome {
        switch status {
        case .canceled: .refused("EVENT_ALREADY_CANCELED")
        case .done: .refused("EVENT_DONE")
        case .confirmed: .refused("EVENT_ALREADY_CONFIRMED")
        case .proposed: .refused("EVENT_NOT_CONFIRMED")
        }
    }

    /// Written down from the contract, not from the code: each line is one rule.
    static func expected(_ operation: Operation, _ role: Role, in status: EventStatus) -> Outcome {
        let isOver = status == .canceled || status == .done
        switch (operation, role) {
        // Members see an event in every state; nobody else does.
        case (.get, .creator), (.get, .pending), (.get, .accepted): return .nothing
        case (.get, .declined), (.get, .stranger): return denied
        // Only the creator changes, cancels, finishes and invites.
        case (.update, .creator), (.add, .creator): return isOver ? refusal(status) : .wrote(status)
        case (.cancel, .creator):
            if status == .canceled { return .nothing }
            return status == .done ? refusal(status) : .wrote(.canceled)
        case (.done, .creator): return status == .confirmed ? .wrote(.done) : refusal(status)
        case (.update, _), (.add, _), (.cancel, _), (.done, _): return denied
        // Confirming is about the event for its creator and about himself for anybody invited.
        case (.confirm, .creator): return status == .proposed ? .wrote(.confirmed) : refusal(status)
        case (.confirm, .stranger), (.accept, .stranger), (.confirmParticipation, .stranger),
            (.decline, .stranger):
            return denied
        case (.accept, .creator), (.decline, .creator), (.confirmParticipation, .creator): return .nothing
        case (.confirm, .accepted), (.accept, .accepted), (.confirmParticipation, .accepted),
            (.decline, .declined):
            return isOver ? refusal(status) : .nothing
        case (.confirm, _), (.accept, _), (.confirmParticipation, _), (.decline, _):
            return isOver ? refusal(status) : .wrote(status)
        // The creator removes anybody, a participant himself, nobody a creator.
        case (.removeOther, .creator): return isOver ? refusal(status) : .wrote(status)
        case (.removeOther, _): return denied
        case (.removeSelf, .creator): return isOver ? refusal(status) : .refused("PARTICIPANT_NOT_FOUND")
        case (.removeSelf, .stranger): return denied
        case (.removeSelf, _): return isOver ? refusal(status) : .wrote(status)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func everyStateOperationAndRole(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            // `other` stays pending, so that no answer in the table is the last one.
            var people: [Role: Requester] = [:]
            for role in Role.allCases { people[role] = try await world.person(role.rawValue) }
            let (other, guest) = (try await world.person("other"), try await world.person("guest"))
            let start = world.clock.now() + .seconds(-7_200)
            for status in EventStatus.allCases {
                for role in Role.allCases {
                    for operation in Operation.allCases {
                        let id = try await Self.event(status, people, other, start, world)
                        let before = try await world.changeCount()
                        let outcome: Outcome
                        do {
                            let requester = try #require(people[role])
                            let details = try await Self.run(operation, id, requester, other, guest, world.service)
                            let after = try await world.changeCount()
                            #expect(after - before <= 1)
                            outcome = after == before ? .nothing : .wrote(details.event.status)
                        } catch let error as ServiceError {
                            outcome = .refused(error.code)
                            let after = try await world.changeCount()
                            #expect(after == before, "a refused operation wrote")
                        }
                        let expected = Self.expected(operation, role, in: status)
                        #expect(outcome == expected, "\(operation) by \(role) in \(status)")
                    }
                }
            }
        }
    }

    @Test(arguments: EventWorld.kinds)
    func anUnknownEventIsNotFound(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            for operation in Operation.allCases {
                await #expect(throws: ServiceError.eventNotFound, "\(operation)") {
                    try await Self.run(operation, EventID(rawValue: 404_404), mina, mina, mina, world.service)
                }
            }
        }
    }

    /// An event of an hour ago with one participant of each kind, brought into `status` by the ways that there are.
    private static func event(
        _ status: EventStatus,
        _ people: [Role: Requester],
        _ other: Requester,
        _ start: Timestamp,
        _ world: EventWorld
    ) async throws -> EventID {
        let creator = try #require(people[.creator])
        let invited = [people[.pending], people[.accepted], people[.declined], other].compactMap(\.?.userID.rawValue)
        let draft = EventDraft(
            title: "표",
            startTime: start,
            endTime: start + .seconds(3_600),
            participantIDs: invited
        )
        let id = try await world.service.create(draft, by: creator).details.event.id
        _ = try await world.service.accept(id, by: try #require(people[.accepted]))
        _ = try await world.service.decline(id, by: try #require(people[.declined]))
        switch status {
        case .proposed: break
        case .confirmed: _ = try await world.service.confirm(id, by: creator)
        case .canceled: _ = try await world.service.cancel(id, reason: nil, by: creator)
        case .done:
            _ = try await world.service.confirm(id, by: creator)
            _ = try await world.service.done(id, by: creator)
        }
        return id
    }

    private static func run(
        _ operation: Operation,
        _ id: EventID,
        _ requester: Requester,
        _ other: Requester,
        _ guest: Requester,
        _ service: EventService
    ) async throws -> EventDetails {
        switch operation {
        case .get: return try await service.get(id, by: requester)
        case .update:
            var patch = EventPatch()
            patch.title = "다른 제목"
            return try await service.update(id, patch, by: requester)
        case .confirm: return try await service.confirm(id, by: requester)
        case .cancel: return try await service.cancel(id, reason: "비가 와서", by: requester)
        case .done: return try await service.done(id, by: requester)
        case .add: return try await service.addParticipant(id, userID: guest.userID, by: requester)
        case .removeOther: return try await service.removeParticipant(id, userID: other.userID, by: requester)
        case .removeSelf: return try await service.removeParticipant(id, userID: requester.userID, by: requester)
        case .accept: return try await service.accept(id, by: requester)
        case .decline: return try await service.decline(id, by: requester)
        case .confirmParticipation: return try await service.confirmParticipation(id, by: requester)
        }
    }
}
