import Testing
import TimingleTestSupport

@testable import TimingleCore

struct RoomPageTests {
    private static let start = ChatMessage.sample(seq: 0).createdAt

    private func items(_ seqs: some Sequence<Int64>) -> [ChatMessage] { seqs.map { .sample(seq: $0) } }

    private func seqs(_ page: RoomPage) -> [Int64] { page.newestFirst.map(\.seq) }

    /// As the store gives it: newest first, or oldest first behind a cursor.
    private func page(_ stored: [Int64], _ reach: RoomPage.Reach, limit: Int = 10) -> RoomPage {
        RoomPage(self.items(stored), reach: reach, limit: limit)
    }

    private func hasHole(_ page: RoomPage) -> Bool { page.hasHole(saidAfter: Self.start) }

    @Test func aWholePageIsLeftAsItIs() {
        for (page, expected) in [
            (self.page([9, 8, 7], .newest, limit: 3), [9, 8, 7]),
            (self.page([8, 7, 6], .before(seq: 9, saidAt: Self.start), limit: 3), [8, 7, 6]),
            (self.page([3, 4, 5], .after(seq: 2), limit: 3), [5, 4, 3]),
            (self.page([2, 1], .newest), [2, 1]),
            (self.page([], .newest), []),
            (self.page([], .after(seq: 4)), []),
            (self.page([], .before(seq: 1, saidAt: Self.start)), []),
        ] as [(RoomPage, [Int64])] {
            #expect(self.seqs(page) == expected)
            #expect(!self.hasHole(page))
        }
    }

    @Test func holesBetweenNeighboursAreFilledInOrderAndOnce() {
        var newest = self.page([12, 11, 8, 7, 4], .newest, limit: 5)
        #expect(self.hasHole(newest) && newest.isUncertain)
        newest.fill(with: self.items(8...13))
        #expect(self.seqs(newest) == [13, 12, 11, 10, 9])
        var after = self.page([3, 4, 7, 8], .after(seq: 2), limit: 4)
        #expect(after.isUncertain)
        after.fill(with: self.items(4...8))
        #expect(self.seqs(after) == [6, 5, 4, 3])
        // In part, where only a part is remembered.
        var partly = self.page([9, 3, 2, 1], .newest)
        partly.fill(with: self.items(7...9))
        #expect(self.seqs(partly) == [9, 8, 7, 3, 2, 1])
        #expect(self.hasHole(partly))
    }

    @Test func holesAtTheEndsAreFilled() {
        // Below a message that is there.
        var older = self.page([5, 4, 3], .before(seq: 9, saidAt: Self.start + .seconds(1)), limit: 3)
        #expect(self.hasHole(older))
        older.fill(with: self.items(6...8))
        #expect(self.seqs(older) == [8, 7, 6])
        // Behind the cursor.
        var newer = self.page([6, 7], .after(seq: 3), limit: 10)
        #expect(self.hasHole(newer))
        newer.fill(with: self.items(4...9))
        #expect(self.seqs(newer) == [9, 8, 7, 6, 5, 4])
        // At the beginning of the room, which the page reaches.
        var first = self.page([4, 3], .newest, limit: 10)
        #expect(self.hasHole(first))
        first.fill(with: self.items(1...4))
        #expect(self.seqs(first) == [4, 3, 2, 1])
        // What lies below a full page is none of its business.
        #expect(!self.hasHole(self.page([4, 3], .newest, limit: 2)))
    }

    @Test func anOpenEndIsOnlyGoneOnWithWhatJoinsIt() {
        var newest = self.page([5, 4], .newest)
        #expect(newest.isUncertain)
        newest.fill(with: self.items(8...9))
        #expect(self.seqs(newest) == [5, 4])
        newest.fill(with: self.items(6...9))
        #expect(self.seqs(newest) == [9, 8, 7, 6, 5, 4])
        var byNumber = self.page([5, 4], .before(seq: 100, saidAt: nil))
        #expect(byNumber.isUncertain)
        byNumber.fill(with: self.items(90...99))
        #expect(self.seqs(byNumber) == [5, 4])
        var nothing = self.page([], .after(seq: 3))
        nothing.fill(with: self.items(5...6))
        #expect(self.seqs(nothing).isEmpty)
        nothing.fill(with: self.items(4...6))
        #expect(self.seqs(nothing) == [6, 5, 4])
    }

    @Test func anOldHoleIsNotWaitedFor() {
        let page = self.page([9, 8, 5, 4], .before(seq: 10, saidAt: Self.start + .seconds(60)), limit: 4)
        // 8 is above the hole.
        #expect(page.hasHole(saidAfter: ChatMessage.sample(seq: 7).createdAt))
        #expect(!page.hasHole(saidAfter: ChatMessage.sample(seq: 8).createdAt))
        let below = self.page([5, 4], .before(seq: 10, saidAt: Self.start + .seconds(60)), limit: 2)
        #expect(below.hasHole(saidAfter: Self.start + .seconds(59)))
        #expect(!below.hasHole(saidAfter: Self.start + .seconds(60)))
    }

    @Test func whatWasSaidBeforeUnderTheSameNameIsNotPutIn() {
        let name = ClientMessageID(rawValue: Identifier128(high: 1, low: 1))
        func named(_ seq: Int64) -> ChatMessage {
            let sample = ChatMessage.sample(seq: seq)
            return ChatMessage(
                eventID: sample.eventID,
                seq: seq,
                ordinal: seq,
                createdAt: sample.createdAt,
                messageID: sample.messageID,
                clientID: name,
                senderID: sample.senderID,
                senderName: sample.senderName,
                text: sample.text
            )
        }
        var page = RoomPage([.sample(seq: 5), .sample(seq: 3), named(2)], reach: .newest, limit: 3)
        page.fill(with: [.sample(seq: 3), named(4), .sample(seq: 5)])
        #expect(self.seqs(page) == [5, 3, 2])
    }
}
