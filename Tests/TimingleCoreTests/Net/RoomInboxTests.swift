import Testing

@testable import TimingleNet

struct RoomInboxTests {
    private static func publication(_ room: Int64, _ count: Int) -> RoomInbox.Publication {
        RoomInbox.Publication(room: room, frame: BroadcastFrame(textBytes: [UInt8](repeating: 0x61, count: count)))
    }

    @Test func onlyTheFirstAfterATakeAsksForTheLoop() {
        let inbox = RoomInbox(bytesMax: 10_000)
        #expect(inbox.append(Self.publication(1, 5)))
        #expect(!inbox.append(Self.publication(2, 5)))
        #expect(inbox.take().publications.map(\.room) == [1, 2])
        #expect(inbox.take().isEmpty)
        #expect(inbox.append(Self.publication(1, 5)))
    }

    @Test func anEmptyInboxTakesAnyOne() {
        let inbox = RoomInbox(bytesMax: 100)
        #expect(inbox.append(Self.publication(1, 50_000)))
        #expect(!inbox.append(Self.publication(2, 0)))
        let contents = inbox.take()
        #expect(contents.publications.map(\.room) == [1] && contents.lostRooms == [2])
    }

    @Test func theLimitIsExactAndATakeMakesRoom() {
        let one = Self.publication(1, 100).bytes
        let inbox = RoomInbox(bytesMax: 3 * one)
        for _ in 0..<2 {
            for _ in 0..<3 { _ = inbox.append(Self.publication(1, 100)) }
            #expect(!inbox.append(Self.publication(2, 1)))
            // Behind its gap, a room's smaller publications are not worth keeping either.
            #expect(!inbox.append(Self.publication(2, 0)))
            let contents = inbox.take()
            #expect(contents.publications.count == 3 && contents.lostRooms == [2])
        }
    }
}
