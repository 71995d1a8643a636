import Testing
import TimingleTestSupport

@testable import TimingleCore

@Suite(.timeLimit(.minutes(2)))
struct EventServiceTests {
    private static let start = Timestamp(milliseconds: 1_768_500_000_000)
    private static let end = Timestamp(milliseconds: 1_768_503_600_000)

    private static func draft(_ title: String = "저녁 약속", with ids: [Requester] = []) -> EventDraft {
        EventDraft(title: title, startTime: start, endTime: end, participantIDs: ids.map(\.userID.rawValue))
    }

    private static func code(of body: () async throws -> some Sendable) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch let error as ServiceError {
            return error.field.map { "\(error.code) \($0)" } ?? error.code
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: EventWorld.kinds)
    func aNewEventKnowsItsCreatorAndParticipants(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let (mina, jun) = (try await world.person("미나"), try await world.person("준"))
            var draft = Self.draft("  저녁 약속\u{3000}", with: [jun])
            draft.description = "  "
            draft.location = " 강남역 "
            draft.participantIDs += [jun.userID.rawValue, mina.userID.rawValue, 999_999, 0, -5]
            let (details, invites) = try await world.service.create(draft, by: mina)
            #expect(details.event.title == "저녁 약속")
            #expect(details.event.description == nil)
            #expect(details.event.location == "강남역")
            #expect(details.event.status == .proposed)
            #expect(details.event.creatorID == mina.userID)
            #expect(details.event.createdAt == world.clock.now())
            #expect(details.creator.name == "미나")
            #expect(details.participants.map(\.userID) == [jun.userID])
            #expect(details.participants.first?.status == .pending)
            #expect(details.participants.first?.invitedBy == mina.userID)
            #expect(invites.invited == [jun.userID])
            #expect(invites.failed.map(\.rawValue) == [999_999, 0, -5])
            #expect(world.effects.pokes == 1)

            let read = try await world.service.get(details.event.id, by: jun)
            #expect(read == details)
            let changes = try await world.changes()
            let change = try #require(changes.first)
            #expect(changes.count == 1)
            #expect(change.type == .created)
            #expect(change.entries.count == 1)
            #expect(change.entries[0].changeID == change.id)
            #expect(change.entries[0].changedAt == details.event.createdAt)
            #expect(change.entries[0].metadata == ["ip_address": "192.0.2.7", "user_agent": "timingle/1.0"])
            #expect(
                change.entries[0].newValue
                    == #"{"title":"저녁 약속","description":null,"location":"강남역","#
                    + #""start_time":"\#(Self.start)","end_time":"\#(Self.end)","status":"PROPOSED","#
                    + #""participants":[{"id":\#(jun.userID),"name":"준","status":"PENDING"}]}"#
            )
        }
    }

    @Test func eachRuleForFieldsIsToldByItsField() async throws {
        try await EventWorld.with(.memory) { world in
            let mina = try await world.person("미나")
            let cases: [(EventDraft, String?)] = [
                (EventDraft(title: " \u{3000}\n", startTime: Self.start, endTime: Self.end), "VALIDATION_ERROR title"),
                (Self.draft(String(repeating: "약", count: 201)), "VALIDATION_ERROR title"),
                (Self.draft("\u{3164}\u{200b}\u{2060}"), "VALIDATION_ERROR title"),
                (Self.draft(String(repeating: "약", count: 200)), nil),
                // One grapheme, but 201 characters for the database.
                (Self.draft("e" + String(repeating: "\u{301}", count: 200)), "VALIDATION_ERROR title"),
                (Self.draft("a\0b"), "VALIDATION_ERROR title"),
                (EventDraft(title: "a", startTime: Self.end, endTime: Self.start), "VALIDATION_ERROR end_time"),
                (EventDraft(title: "a", startTime: Self.end, endTime: Self.end), nil),
                (
                    EventDraft(
                        title: "a",
                        description: String(repeating: "d", count: 5_001),
                        startTime: Self.start,
                        endTime: Self.end
                    ), "VALIDATION_ERROR description"
                ),
                (
                    EventDraft(
                        title: "a",
                        location: String(repeating: "d", count: 201),
                        startTime: Self.start,
                        endTime: Self.end
                    ), "VALIDATION_ERROR location"
                ),
                (
                    EventDraft(
                        title: "a",
                        startTime: Self.start,
                        endTime: Self.end,
                        participantIDs: (1_001...1_101).map { $0 }
                    ), "VALIDATION_ERROR participant_ids"
                ),
                (
                    EventDraft(
                        title: "long ago",
                        startTime: Timestamp(milliseconds: 0),
                        endTime: Timestamp(milliseconds: 1)
                    ), nil
                ),
            ]
            for (draft, expected) in cases {
                let code = await Self.code { try await world.service.create(draft, by: mina).details }
                #expect(code == expected, "\(draft)")
            }
        }
    }

    @Test(arguments: EventWorld.kinds)
    func aChangeWritesOneEntryPerFieldThatChanged(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            var draft = Self.draft()
            draft.description = "설명"
            let id = try await world.service.create(draft, by: mina).details.event.id
            world.clock.advance(by: .seconds(5))

            var patch = EventPatch()
            patch.title = "점심"
            patch.description = .some(nil)
            patch.location = .some(nil)
            patch.startTime = Self.start
            let details = try await world.service.update(id, patch, by: mina)
            #expect(details.event.title == "점심")
            #expect(details.event.description == nil)
            #expect(details.event.updatedAt == world.clock.now())
            let reread = try await world.service.get(id, by: mina)
            #expect(reread == details)

            let change = try #require(try await world.changes().last)
            #expect(change.type == .updated)
            #expect(change.entries.map(\.fieldName) == ["title", "description"])
            #expect(change.entries.map(\.oldValue) == [#""저녁 약속""#, #""설명""#])
            #expect(change.entries.map(\.newValue) == [#""점심""#, nil])
            #expect(change.entries[0].changeID < change.entries[1].changeID)

            // The same again changes nothing and tells nobody.
            let again = try await world.service.update(id, patch, by: mina)
            #expect(again == details)
            let empty = try await world.service.update(id, EventPatch(), by: mina)
            #expect(empty == details)
            let count = try await world.changes().count
            #expect(count == 2)
            #expect(world.effects.pokes == 2)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func aPatchIsCheckedAgainstWhatItLeaves(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let id = try await world.service.create(Self.draft(), by: mina).details.event.id
            var patch = EventPatch()
            patch.endTime = Self.start + .milliseconds(-1)
            let code = await Self.code { [patch] in try await world.service.update(id, patch, by: mina) }
            #expect(code == "VALIDATION_ERROR end_time")
            var blank = EventPatch()
            blank.title = " "
            let title = await Self.code { [blank] in try await world.service.update(id, blank, by: mina) }
            #expect(title == "VALIDATION_ERROR title")
        }
    }

    @Test(arguments: EventWorld.kinds)
    func aStatusInAPatchMovesOnlyLegally(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let id = try await world.service.create(Self.draft(), by: mina).details.event.id
            func patch(_ status: EventStatus, title: String? = nil) async -> String? {
                var patch = EventPatch()
                patch.status = status
                patch.title = title
                return await Self.code { [patch] in try await world.service.update(id, patch, by: mina) }
            }
            let steps: [(EventStatus, String?, String?)] = [
                (.proposed, nil, nil), (.done, nil, "EVENT_NOT_CONFIRMED"), (.confirmed, "새 제목", nil),
                (.confirmed, nil, nil), (.proposed, nil, "EVENT_ALREADY_CONFIRMED"), (.done, nil, "EVENT_NOT_OVER"),
                (.canceled, nil, nil), (.canceled, nil, nil), (.canceled, "또", "EVENT_ALREADY_CANCELED"),
                (.confirmed, nil, "EVENT_ALREADY_CANCELED"),
            ]
            for (status, title, expected) in steps {
                let code = await patch(status, title: title)
                #expect(code == expected, "\(status) \(title ?? "-")")
            }
            let changes = try await world.changes()
            #expect(changes.map(\.type) == [.created, .updated, .confirmed, .canceled])
            #expect(zip(changes, changes.dropFirst()).allSatisfy { $0.changedAt < $1.changedAt && $0.id < $1.id })
        }
    }

    @Test(arguments: EventWorld.kinds)
    func theLastAcceptanceConfirmsTheEvent(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let (jun, sora) = (try await world.person("준"), try await world.person("소라"))
            let id = try await world.service.create(Self.draft(with: [jun, sora]), by: mina).details.event.id
            let first = try await world.service.accept(id, by: jun)
            #expect(first.event.status == .proposed)
            #expect(first.participants.first?.status == .accepted)
            #expect(first.participants.first?.respondedAt == first.event.updatedAt)
            let last = try await world.service.confirm(id, by: sora)
            #expect(last.event.status == .confirmed)
            let again = try await world.service.accept(id, by: sora)
            #expect(again == last)

            let changes = try await world.changes()
            #expect(changes.map(\.type) == [.created, .participantAccepted, .participantAccepted, .confirmed])
            #expect(changes[1].subjectName == "준")
            #expect(changes[3].entries[0].metadata["automatic"] == "true")
            #expect(changes[3].entries[0].oldValue == #""PROPOSED""#)
            #expect(world.effects.pokes == 3)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func whoDeclinedIsOutUntilHeAccepts(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let (jun, sora) = (try await world.person("준"), try await world.person("소라"))
            let id = try await world.service.create(Self.draft(with: [jun, sora]), by: mina).details.event.id
            try await world.store.advanceRooms([id: RoomPosition(seq: 1, ordinal: 1, createdAt: Self.start)])
            let declined = try await world.service.decline(id, by: jun)
            #expect(declined.participants.map(\.userID) == [sora.userID])
            #expect(world.effects.evictions == [.init(event: id, user: jun.userID)])
            let denied = await Self.code { try await world.service.get(id, by: jun) }
            #expect(denied == "EVENT_ACCESS_DENIED")
            let room = await Self.code { try await world.service.access(id, user: jun.userID) }
            #expect(room == "EVENT_ACCESS_DENIED")
            let list = try await world.service.list(EventListQuery(), by: jun)
            #expect(list.events.isEmpty && list.total == 0)

            let back = try await world.service.accept(id, by: jun)
            #expect(back.participants.count == 2)
            let read = try await world.service.get(id, by: jun)
            #expect(read == back)
            #expect(read.unreadMessages == 1)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func anotherTimeOfAConfirmedEventAsksEverybodyAgain(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let (jun, sora) = (try await world.person("준"), try await world.person("소라"))
            let id = try await world.service.create(Self.draft(with: [jun, sora]), by: mina).details.event.id
            _ = try await world.service.accept(id, by: jun)
            _ = try await world.service.confirm(id, by: mina)

            var title = EventPatch()
            title.title = "이름만"
            let renamed = try await world.service.update(id, title, by: mina)
            #expect(renamed.participants.map(\.status) == [.accepted, .pending])

            var later = EventPatch()
            later.endTime = Self.end + .seconds(3_600)
            let moved = try await world.service.update(id, later, by: mina)
            #expect(moved.event.status == .confirmed)
            #expect(moved.participants.map(\.status) == [.pending, .pending])
            #expect(moved.participants.allSatisfy { $0.respondedAt == nil })
            let reread = try await world.service.get(id, by: mina)
            #expect(reread == moved)
            let entries = try #require(try await world.changes().last).entries
            #expect(entries.map(\.fieldName) == ["end_time", "participants"])
            #expect(entries[1].oldValue == #"[{"id":\#(jun.userID),"name":"준","status":"ACCEPTED"}]"#)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func peopleAreAddedRemovedAndInvitedAgain(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let (jun, sora) = (try await world.person("준"), try await world.person("소라"))
            let service = world.service
            let id = try await service.create(Self.draft(), by: mina).details.event.id
            let added = try await service.addParticipant(id, userID: jun.userID, by: mina)
            #expect(added.participants.map(\.name) == ["준"])
            let twice = await Self.code { try await service.addParticipant(id, userID: jun.userID, by: mina) }
            #expect(twice == "PARTICIPANT_ALREADY_ADDED")
            let oneself = await Self.code { try await service.addParticipant(id, userID: mina.userID, by: mina) }
            #expect(oneself == "PARTICIPANT_ALREADY_ADDED")
            let nobody = await Self.code {
                try await service.addParticipant(id, userID: UserID(rawValue: 424_242), by: mina)
            }
            #expect(nobody == "USER_NOT_FOUND")

            _ = try await service.decline(id, by: jun)
            let again = try await service.addParticipant(id, userID: jun.userID, by: mina)
            #expect(again.participants.first?.status == .pending)
            #expect(again.participants.first?.respondedAt == nil)

            let foreign = await Self.code { try await service.removeParticipant(id, userID: jun.userID, by: sora) }
            #expect(foreign == "EVENT_ACCESS_DENIED")
            let removed = try await service.removeParticipant(id, userID: jun.userID, by: jun)
            #expect(removed.participants.isEmpty)
            let gone = await Self.code { try await service.removeParticipant(id, userID: jun.userID, by: mina) }
            #expect(gone == "PARTICIPANT_NOT_FOUND")
            let types = try await world.changes().map(\.type)
            #expect(
                types == [
                    .created, .participantAdded, .participantDeclined, .participantAdded, .participantRemoved,
                ]
            )
            #expect(world.effects.evictions.count == 2)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func strangersCannotBeInvitedUnlessTheOperatorSaysSo(kind: EventWorld.Kind) async throws {
        let configuration = EventServiceConfiguration(allowsArbitraryParticipants: false)
        try await EventWorld.with(kind, configuration: configuration) { world in
            let (mina, jun) = (try await world.person("미나"), try await world.person("준"))
            let refused = try await world.service.create(Self.draft(with: [jun]), by: mina)
            #expect(refused.invites.failed == [jun.userID])
            let id = refused.details.event.id
            let stranger = await Self.code {
                try await world.service.addParticipant(id, userID: jun.userID, by: mina)
            }
            #expect(stranger == "USER_NOT_FOUND")

            // Once they share an event, by whatever way, they may invite each other.
            let open = EventService(
                store: world.store,
                clock: world.clock,
                outbox: world.effects,
                rooms: world.effects
            )
            _ = try await open.create(Self.draft(with: [mina]), by: jun)
            let known = try await world.service.addParticipant(id, userID: jun.userID, by: mina)
            #expect(known.participants.count == 1)
            let other = try await world.service.create(Self.draft(with: [mina]), by: jun)
            #expect(other.invites.invited == [mina.userID])
        }
    }

    @Test(arguments: EventWorld.kinds)
    func noMoreThanAHundredTakePart(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            var people: [Requester] = []
            for number in 0...100 { people.append(try await world.person("\(number)")) }
            let draft = Self.draft(with: Array(people.prefix(100)))
            let (details, invites) = try await world.service.create(draft, by: mina)
            #expect(details.participants.map(\.name) == (0..<100).map(String.init))
            #expect(invites.invited.count == 100)
            let code = await Self.code { [people] in
                try await world.service.addParticipant(details.event.id, userID: people[100].userID, by: mina)
            }
            #expect(code == "EVENT_FULL")
        }
    }

    @Test(arguments: EventWorld.kinds)
    func timesOfChangesGrowThoughTheClockStepsBack(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let created = try await world.service.create(Self.draft(), by: mina).details.event
            world.clock.advance(by: .seconds(-60))
            let confirmed = try await world.service.confirm(created.id, by: mina).event
            #expect(confirmed.updatedAt == created.updatedAt + .milliseconds(1))
            let changes = try await world.changes()
            #expect(changes[0].id < changes[1].id)
            #expect(EventEvidence.time(of: changes[1].id) == changes[1].changedAt)
        }
    }

    @Test func whatAClientSaysOfItselfIsCutAndClean() async throws {
        try await EventWorld.with(.memory) { world in
            let mina = try await world.person("미나")
            let loud = Requester(
                userID: mina.userID,
                name: mina.name,
                ipAddress: nil,
                userAgent: "a\0" + String(repeating: "b", count: 1_000)
            )
            _ = try await world.service.create(Self.draft(), by: loud)
            let metadata = try #require(try await world.changes().first).entries[0].metadata
            #expect(metadata == ["user_agent": "a" + String(repeating: "b", count: 511)])
        }
    }
}
