import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCore

struct MessagePersisterTests {
    private let event = EventID(rawValue: 7)
    private let other = EventID(rawValue: 8)
    private let mina = UserID(rawValue: 1)
    private let jun = UserID(rawValue: 2)

    @Test func whoWritesHasReadUpToTheOwnLastMessage() async throws {
        let (store, rooms) = (MemoryMessageStore(), MemoryRooms())
        let persister = MessagePersister(messages: store, marks: rooms)
        let batch = [
            ChatMessage.sample(event: self.event, seq: 3, sender: self.mina),
            ChatMessage.sample(event: self.other, seq: 9, sender: self.jun),
            ChatMessage.sample(event: self.event, seq: 1, sender: self.mina),
            ChatMessage.sample(event: self.event, seq: 2, sender: self.jun),
        ]
        try await persister.store(batch)
        #expect(rooms.position(self.event)?.seq == 3)
        #expect(rooms.position(self.other)?.seq == 9)
        #expect(rooms.mark(self.event, self.mina) == 3)
        #expect(rooms.mark(self.event, self.jun) == 2)
        #expect(rooms.mark(self.other, self.jun) == 9)
        #expect(rooms.mark(self.other, self.mina) == nil)
        // A batch that comes again, late, moves nothing back.
        try await persister.store([batch[2]])
        #expect(rooms.position(self.event)?.seq == 3)
        #expect(rooms.mark(self.event, self.mina) == 3)
    }

    @Test func theSystemReadsNothing() async throws {
        let (store, rooms) = (MemoryMessageStore(), MemoryRooms())
        let persister = MessagePersister(messages: store, marks: rooms)
        try await persister.store([ChatMessage.sample(event: self.event, seq: 1, sender: .system)])
        #expect(rooms.position(self.event)?.seq == 1)
        #expect(rooms.mark(self.event, .system) == nil)
    }
}
