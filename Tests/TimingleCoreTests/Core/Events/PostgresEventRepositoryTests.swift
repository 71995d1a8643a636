import Testing
import TimingleTestSupport

@testable import TimingleCore

@Suite(
    .enabled(if: TestServices.hasDatabase, "needs PostgreSQL: set TIMINGLE_TEST_DATABASE_URL; make test does"),
    .timeLimit(.minutes(2))
)
struct PostgresEventRepositoryTests {
    private static let start = Timestamp(milliseconds: 1_768_500_000_000)

    private static func draft(_ title: String, with people: [Requester] = [], at start: Timestamp) -> EventDraft {
        EventDraft(
            title: title,
            startTime: start,
            endTime: start + .seconds(3_600),
            participantIDs: people.map(\.userID.rawValue)
        )
    }

    @Test func ofManyConfirmationsAtOnceExactlyOneWins() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            for _ in 0..<5 {
                let id = try await world.service.create(Self.draft("경합", at: Self.start), by: mina).details.event.id
                let outcomes = await Self.race(8) { _ in try await world.service.confirm(id, by: mina) }
                #expect(outcomes.filter { $0 == nil }.count == 1)
                #expect(outcomes.compactMap { $0 }.allSatisfy { $0 == "EVENT_ALREADY_CONFIRMED" })
            }
            let types = try await world.changes().map(\.type)
            #expect(types.filter { $0 == .confirmed }.count == 5)
        }
    }

    @Test func confirmingAndCancelingAtOnceLeavesOneStory() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            for _ in 0..<5 {
                let id = try await world.service.create(Self.draft("경합", at: Self.start), by: mina).details.event.id
                let outcomes = await Self.race(8) { number in
                    if number.isMultiple(of: 2) { return try await world.service.confirm(id, by: mina) }
                    return try await world.service.cancel(id, reason: nil, by: mina)
                }
                // Canceling never fails; confirming wins once, or comes too late.
                for (number, code) in outcomes.enumerated() {
                    if number.isMultiple(of: 2) {
                        #expect(code == nil || code == "EVENT_ALREADY_CANCELED" || code == "EVENT_ALREADY_CONFIRMED")
                    } else {
                        #expect(code == nil)
                    }
                }
                let story = try await world.changes().filter { $0.eventID == id }.map(\.type)
                let confirmed = outcomes.enumerated().filter { $0.offset.isMultiple(of: 2) && $0.element == nil }
                #expect(story == (confirmed.isEmpty ? [.created, .canceled] : [.created, .confirmed, .canceled]))
                let status = try await world.service.get(id, by: mina).event.status
                #expect(status == .canceled)
            }
        }
    }

    @Test func ofManyAcceptancesAtOnceTheLastOneConfirms() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            var guests: [Requester] = []
            for number in 0..<10 { guests.append(try await world.person("\(number)")) }
            let draft = Self.draft("모두", with: guests, at: Self.start)
            let id = try await world.service.create(draft, by: mina).details.event.id
            let outcomes = await Self.race(10) { [guests] number in
                try await world.service.accept(id, by: guests[number])
            }
            #expect(outcomes.allSatisfy { $0 == nil })
            let changes = try await world.changes()
            #expect(
                changes.map(\.type) == [.created] + Array(repeating: .participantAccepted, count: 10) + [.confirmed]
            )
            #expect(zip(changes, changes.dropFirst()).allSatisfy { $0.id < $1.id && $0.changedAt < $1.changedAt })
        }
    }

    @Test func aFailureLeavesNeitherChangeNorOutboxRow() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            let id = try await world.service.create(Self.draft("그대로", at: Self.start), by: mina).details.event.id
            let client = try #require(world.client)
            let before = try await world.service.get(id, by: mina)
            // The outbox refuses: the change of the event must go with it.
            try await client.query("ALTER TABLE event_outbox ADD CONSTRAINT no_more CHECK (false) NOT VALID")
            await #expect(throws: ServiceError.self) { try await world.service.confirm(id, by: mina) }
            await #expect(throws: ServiceError.self) {
                try await world.service.create(Self.draft("없음", at: Self.start), by: mina)
            }
            let after = try await world.service.get(id, by: mina)
            #expect(after == before)
            let count = try await world.changeCount()
            #expect(count == 1)
            let events: Int = try await client.query("SELECT count(*) FROM events")[0].decode(at: 0)
            #expect(events == 1)
            #expect(world.effects.pokes == 1)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func thePeriodTakesWhatOverlapsIt(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let mina = try await world.person("미나")
            let period = Self.start..<(Self.start + .seconds(3_600))
            // From minutes before or after the period's start, and how long.
            let cases: [(title: String, start: Int64, minutes: Int64, isInside: Bool)] = [
                ("ends as it begins", -30, 30, false), ("reaches into it", -30, 31, true),
                ("around it", -60, 600, true), ("without length at its start", 0, 0, true),
                ("within", 10, 10, true), ("begins in it", 59, 60, true), ("begins as it ends", 60, 10, false),
            ]
            for one in cases {
                var draft = Self.draft(one.title, at: period.lowerBound + .seconds(one.start * 60))
                draft.endTime = draft.startTime + .seconds(one.minutes * 60)
                _ = try await world.service.create(draft, by: mina)
            }
            let (events, total) = try await world.service.list(EventListQuery(overlapping: period), by: mina)
            #expect(Set(events.map(\.event.title)) == Set(cases.filter(\.isInside).map(\.title)))
            #expect(total == 5)
        }
    }

    @Test(arguments: EventWorld.kinds)
    func aMovedEventMovesInTheListsOfItsGuests(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let (mina, jun) = (try await world.person("미나"), try await world.person("준"))
            var ids: [EventID] = []
            for number in 0..<3 {
                let draft = Self.draft("\(number)", with: [jun], at: Self.start + .seconds(Int64(number) * 7_200))
                ids.append(try await world.service.create(draft, by: mina).details.event.id)
            }
            var patch = EventPatch()
            patch.startTime = Self.start + .seconds(86_400)
            patch.endTime = Self.start + .seconds(90_000)
            _ = try await world.service.update(ids[0], patch, by: mina)
            for person in [mina, jun] {
                let (events, total) = try await world.service.list(EventListQuery(limit: 2), by: person)
                #expect(events.map(\.event.id) == [ids[0], ids[2]])
                #expect(total == 3)
            }
        }
    }

    @Test(arguments: EventWorld.kinds)
    func theListIsPagedByStartWithoutDuplicates(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let (mina, jun) = (try await world.person("미나"), try await world.person("준"))
            let other = try await world.person("남")
            var mine: [EventID] = []
            for number in 0..<7 {
                // Two and two start at the same time; every other one is Jun's and Mina is invited.
                let start = Self.start + .seconds(Int64(number / 2) * 86_400)
                let (creator, guest) = number.isMultiple(of: 2) ? (mina, jun) : (jun, mina)
                let draft = Self.draft("\(number)", with: [guest], at: start)
                mine.append(try await world.service.create(draft, by: creator).details.event.id)
            }
            _ = try await world.service.create(Self.draft("남의 것", at: Self.start), by: other)
            _ = try await world.service.cancel(mine[2], reason: nil, by: mina)
            _ = try await world.service.decline(mine[1], by: mina)
            mine.remove(at: 1)

            let newestFirst = Array(mine.reversed())
            var pages: [EventID] = []
            for page in 1...4 {
                let query = EventListQuery(page: page, limit: 2)
                let (events, total) = try await world.service.list(query, by: mina)
                #expect(total == 6)
                pages += events.map(\.event.id)
            }
            #expect(pages == newestFirst)
            let beyond = try await world.service.list(EventListQuery(page: .max, limit: .max), by: mina)
            #expect(beyond.events.isEmpty && beyond.total == 6)
            let first = try await world.service.list(EventListQuery(page: -3, limit: 0), by: mina)
            #expect(first.events.map(\.event.id) == [newestFirst[0]])

            let whole = try await world.service.list(EventListQuery(), by: mina)
            for details in whole.events {
                let single = try await world.service.get(details.event.id, by: mina)
                #expect(single == details)
            }
            let canceled = try await world.service.list(EventListQuery(statuses: [.canceled, .done]), by: mina)
            #expect(canceled.events.map(\.event.status) == [.canceled] && canceled.total == 1)
            let day = EventListQuery(
                endingFrom: Self.start + .seconds(86_400),
                startingFrom: Self.start + .seconds(86_400),
                startingBefore: Self.start + .seconds(2 * 86_400)
            )
            let oneDay = try await world.service.list(day, by: mina)
            #expect(oneDay.events.map(\.event.title) == ["3", "2"])
        }
    }

    @Test(arguments: EventWorld.kinds)
    func unreadIsTheRoomsOrdinalMinusTheMark(kind: EventWorld.Kind) async throws {
        try await EventWorld.with(kind) { world in
            let (mina, jun) = (try await world.person("미나"), try await world.person("준"))
            let id = try await world.service.create(Self.draft("읽음", with: [jun], at: Self.start), by: mina)
                .details.event.id
            func unread(_ person: Requester) async throws -> Int64 {
                let one = try await world.service.get(id, by: person).unreadMessages
                let listed = try await world.service.list(EventListQuery(), by: person).events[0].unreadMessages
                #expect(one == listed)
                return one
            }
            // (room's seq and ordinal, mark's seq and ordinal of Jun) and what is left unread.
            let steps: [(room: (Int64, Int64)?, mark: (Int64, Int64)?, jun: Int64, mina: Int64)] = [
                (nil, nil, 0, 0), ((3, 2), nil, 2, 2), (nil, (2, 1), 1, 2), ((9, 7), nil, 6, 7),
                // Late news from a slow worker or an old device moves nothing back.
                ((5, 4), (1, 1), 6, 7), (nil, (9, 7), 0, 7), (nil, (12, 9), 0, 7), ((10, 8), nil, 0, 8),
            ]
            for (number, step) in steps.enumerated() {
                if let (seq, ordinal) = step.room {
                    let position = RoomPosition(seq: seq, ordinal: ordinal, createdAt: Self.start)
                    try await world.store.advanceRooms([id: position])
                }
                if let (seq, ordinal) = step.mark {
                    try await world.store.markRead(event: id, user: jun.userID, seq: seq, ordinal: ordinal)
                }
                let (juns, minas) = (try await unread(jun), try await unread(mina))
                #expect(juns == step.jun && minas == step.mina, "step \(number)")
                let position = try await world.store.position(event: id)
                #expect(position?.seq == [nil, 3, 3, 9, 9, 9, 9, 10][number], "step \(number)")
            }
            let position = try await world.store.position(event: id)
            #expect(position == RoomPosition(seq: 10, ordinal: 8, createdAt: Self.start))
        }
    }

    @Test func marksOfManyMoveAtOnceAndWhoIsNoMemberIsTold() async throws {
        try await EventWorld.with(.postgres) { world in
            let (mina, jun, sora) = (
                try await world.person("미나"), try await world.person("준"), try await world.person("소라")
            )
            let id = try await world.service.create(Self.draft("함께", with: [jun, sora], at: Self.start), by: mina)
                .details.event.id
            _ = try await world.service.decline(id, by: sora)
            let stranger = try await world.person("하나")
            try await world.store.advanceRooms([id: RoomPosition(seq: 6, ordinal: 5, createdAt: Self.start)])
            func marks(_ seq: Int64, _ ordinal: Int64) -> [ReadMark] {
                [sora, jun, stranger, mina].map {
                    ReadMark(eventID: id, userID: $0.userID, seq: seq, ordinal: ordinal)
                }
            }
            let none = try await world.store.markRead([])
            #expect(none.isEmpty)
            for (seq, ordinal, unread) in [(4, 3, 2), (2, 1, 2), (6, 5, 0)] as [(Int64, Int64, Int64)] {
                let others = try await world.store.markRead(marks(seq, ordinal))
                #expect(Set(others.map(\.userID)) == [sora.userID, stranger.userID])
                for person in [mina, jun] {
                    let seen = try await world.service.get(id, by: person).unreadMessages
                    #expect(seen == unread)
                }
            }
            let client = try #require(world.client)
            let rows = try await client.query("SELECT user_id FROM event_member_marks")
            #expect(rows.rowCount == 2)
        }
    }

    @Test func manyRoomsMoveForwardAtOnceWithoutDeadlock() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            var ids: [EventID] = []
            for number in 0..<20 {
                ids.append(
                    try await world.service.create(Self.draft("\(number)", at: Self.start), by: mina).details.event.id
                )
            }
            let outcomes = await Self.race(8) { [ids] number in
                for round in 1...10 {
                    let position = RoomPosition(
                        seq: Int64(round * 8 + number),
                        ordinal: Int64(round),
                        createdAt: Self.start
                    )
                    try await world.store.advanceRooms(
                        Dictionary(uniqueKeysWithValues: ids.map { ($0, position) }),
                        readBy: ids.shuffled().map {
                            ReadMark(eventID: $0, userID: mina.userID, seq: position.seq, ordinal: position.ordinal)
                        }
                    )
                }
            }
            #expect(outcomes.allSatisfy { $0 == nil })
            let client = try #require(world.client)
            let seqs = try await client.query("SELECT DISTINCT last_seq, last_ordinal FROM event_rooms")
            #expect(seqs.rowCount == 1)
            #expect(try seqs[0].decode(at: 0, as: Int64.self) == 87)
            #expect(try seqs[0].decode(at: 1, as: Int64.self) == 10)
            let marks = try await client.query("SELECT DISTINCT read_seq, read_ordinal FROM event_member_marks")
            #expect(marks.rowCount == 1)
            #expect(try marks[0].decode(at: 0, as: Int64.self) == 87)
            await #expect(throws: StoreError.self) {
                let position = RoomPosition(seq: 1, ordinal: 1, createdAt: Self.start)
                try await world.store.advanceRooms([EventID(rawValue: 404_404): position])
            }
        }
    }

    @Test func nobodyIsShownAPhoneOrAnEmptyPicture() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            let client = try #require(world.client)
            try await client.query(
                "UPDATE users SET name = NULL, profile_image_url = '' WHERE id = \(mina.userID)"
            )
            let created = try await world.service.create(Self.draft("이름 없음", at: Self.start), by: mina).details
            #expect(created.creator.name == "")
            #expect(created.creator.profileImageURL == nil)
            try await client.query("UPDATE users SET status = 'SUSPENDED' WHERE id = \(mina.userID)")
            let jun = try await world.person("준")
            let draft = Self.draft("정지됨", with: [mina], at: Self.start)
            let invites = try await world.service.create(draft, by: jun).invites
            #expect(invites.failed == [mina.userID])
        }
    }

    @Test func aClosedClientIsAnUnavailableStore() async throws {
        try await EventWorld.with(.postgres) { world in
            let mina = try await world.person("미나")
            await world.client?.close()
            do throws(ServiceError) {
                _ = try await world.service.get(EventID(rawValue: 1), by: mina)
                Issue.record("a closed client answered")
            } catch {
                #expect(error.kind == .unavailable)
            }
        }
    }

    /// Runs `body` many times at once; nil for success, else the refusal's code.
    private static func race(
        _ count: Int,
        _ body: @escaping @Sendable (Int) async throws -> some Sendable
    ) async -> [String?] {
        await withTaskGroup(of: (Int, String?).self) { group in
            for number in 0..<count {
                group.addTask {
                    do {
                        _ = try await body(number)
                        return (number, nil)
                    } catch let error as ServiceError {
                        return (number, error.code)
                    } catch {
                        return (number, "\(error)")
                    }
                }
            }
            var outcomes = [String?](repeating: nil, count: count)
            for await (number, code) in group { outcomes[number] = code }
            return outcomes
        }
    }
}
