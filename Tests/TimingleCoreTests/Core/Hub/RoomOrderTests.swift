import Testing
import TimingleTestSupport

@testable import TimingleCore

struct RoomOrderTests {
    private func item(_ seq: Int64) -> RoomItem {
        RoomItem(message: .sample(seq: seq), streamSequence: UInt64(seq) + 100)
    }

    private func seqs(_ items: [RoomItem]) -> [Int64] { items.map(\.message.seq) }

    @Test func theFirstItemOfAnUnknownRoomIsItsBeginning() {
        var order = RoomOrder()
        #expect(self.seqs(order.offer(self.item(40))) == [40])
        #expect(self.seqs(order.offer(self.item(39))) == [])
        #expect(self.seqs(order.offer(self.item(41))) == [41])
    }

    @Test func lateAndDoubledItemsAreShownOnceAndInOrder() {
        var order = RoomOrder()
        order.begin(seq: 4, streamSequence: 104)
        order.begin(seq: 9, streamSequence: 109)
        #expect(self.seqs(order.offer(self.item(7))) == [])
        #expect(self.seqs(order.offer(self.item(6))) == [])
        #expect(order.gap?.missing == 5)
        #expect(order.gap?.waiting == 6)
        #expect(self.seqs(order.offer(self.item(5))) == [5, 6, 7])
        #expect(order.gap == nil)
        #expect(self.seqs(order.offer(self.item(6))) == [])
        #expect(order.lastStreamSequence == 107)
    }

    @Test func aGapCanBeGivenUp() {
        var order = RoomOrder()
        order.begin(seq: 1, streamSequence: 1)
        _ = order.offer(self.item(4))
        _ = order.offer(self.item(5))
        _ = order.offer(self.item(8))
        #expect(self.seqs(order.skipGap()) == [4, 5])
        #expect(order.gap?.missing == 6)
        #expect(self.seqs(order.skipGap()) == [8])
        #expect(self.seqs(order.skipGap()) == [])
    }

    /// Nothing waits, but it is known that there is more.
    @Test func whatWasDroppedIsAGapUntilItWasShown() {
        var order = RoomOrder()
        order.begin(seq: 0, streamSequence: 0)
        for seq in Int64(2)...500 { _ = order.offer(self.item(seq)) }
        #expect(order.offer(self.item(1)).count == 1 + RoomOrder.waitingMax)
        #expect(order.gap?.missing == 302)
        for seq in Int64(302)...499 { #expect(self.seqs(order.offer(self.item(seq))) == [seq]) }
        #expect(order.gap?.missing == 500)
        #expect(self.seqs(order.offer(self.item(500))) == [500])
        #expect(order.gap == nil)
    }

    @Test func aTailThatIsGivenUpIsStillTakenWhenItComes() {
        var order = RoomOrder()
        order.begin(seq: 0, streamSequence: 0)
        for seq in Int64(2)...400 { _ = order.offer(self.item(seq)) }
        #expect(order.skipGap().count == RoomOrder.waitingMax)
        #expect(order.gap?.missing == 302)
        #expect(order.skipGap().isEmpty)
        #expect(order.gap == nil)
        #expect(self.seqs(order.offer(self.item(302))) == [302])
    }

    @Test func thePlaceInTheStreamIsThatOfTheLastItemAlsoWhereTheStreamBeganAgain() {
        var order = RoomOrder()
        order.begin(seq: 1, streamSequence: 900)
        _ = order.offer(RoomItem(message: .sample(seq: 2), streamSequence: 1))
        #expect(order.lastStreamSequence == 1)
        order.passed(streamSequence: 7)
        order.passed(streamSequence: 3)
        #expect(order.lastStreamSequence == 7)
    }

    @Test func aForgottenPositionKeepsWhatIsStillNextToTheNewOne() {
        var order = RoomOrder()
        for seq in Int64(1)...5 { _ = order.offer(self.item(seq)) }
        _ = order.offer(self.item(9))
        order.forgetPosition()
        #expect(order.lastSeq == nil && order.gap == nil && order.shownSeq == 5)
        #expect(order.tail(after: 3) == nil)
        #expect(order.message(ChatMessage.sample(seq: 4).messageID)?.seq == 4)
        var same = order
        same.begin(seq: 5, streamSequence: 105)
        #expect(same.tail(after: 3)?.map(\.seq) == [4, 5])
        order.begin(seq: 7, streamSequence: 107)
        #expect(order.tail(after: 3) == nil)
        #expect(self.seqs(order.offer(self.item(8))) == [8])
        #expect(order.tail(after: 7)?.map(\.seq) == [8])
        #expect(order.remembered(above: 0, below: .max).map(\.seq) == [8])
    }

    @Test func theTailIsWholeOrNotThere() {
        var order = RoomOrder()
        #expect(order.tail(after: 0) == nil)
        order.begin(seq: 10, streamSequence: 10)
        #expect(order.tail(after: 10) == [])
        #expect(order.tail(after: 9) == nil)
        for seq in Int64(11)...14 { _ = order.offer(self.item(seq)) }
        #expect(order.tail(after: 10)?.map(\.seq) == [11, 12, 13, 14])
        #expect(order.tail(after: 12)?.map(\.seq) == [13, 14])
        #expect(order.tail(after: 14) == [])
        #expect(order.tail(after: 20) == [])
        #expect(order.tail(after: 9) == nil)
    }

    @Test func whatIsRememberedBetweenTwoPlacesIsGivenInOrder() {
        var order = RoomOrder()
        #expect(order.remembered(above: 0, below: .max).isEmpty)
        order.begin(seq: 10, streamSequence: 10)
        for seq in Int64(11)...16 { _ = order.offer(self.item(seq)) }
        func seqs(_ low: Int64, _ high: Int64) -> [Int64] { order.remembered(above: low, below: high).map(\.seq) }
        #expect(seqs(0, .max) == Array(11...16))
        #expect(seqs(12, 15) == [13, 14])
        #expect(seqs(15, 17) == [16])
        #expect(seqs(16, .max).isEmpty)
        #expect(seqs(0, 11).isEmpty)
        #expect(seqs(13, 14).isEmpty)
        #expect(seqs(14, 13).isEmpty)
        #expect(seqs(.max, .max).isEmpty)
        // What was given up is a hole, and nothing below it is remembered.
        _ = order.offer(self.item(20))
        #expect(seqs(0, .max) == Array(11...16))
        _ = order.skipGap()
        #expect(seqs(0, .max) == [20])
    }

    @Test func aMessageIsFoundByItsIDWhileItIsRemembered() {
        var order = RoomOrder()
        for seq in Int64(1)...300 { _ = order.offer(self.item(seq)) }
        #expect(order.message(ChatMessage.sample(seq: 300).messageID)?.seq == 300)
        #expect(order.message(ChatMessage.sample(seq: 200).messageID)?.seq == 200)
        #expect(order.message(ChatMessage.sample(seq: 1).messageID) == nil)
    }

    @Test func theMemoryIsBounded() {
        var order = RoomOrder()
        for seq in Int64(1)...1_000 { _ = order.offer(self.item(seq)) }
        #expect(order.tail(after: 0) == nil)
        #expect(order.seq(of: ChatMessage.sample(seq: 1).messageID) == nil)
        #expect(order.seq(of: ChatMessage.sample(seq: 1_000).messageID) == 1_000)
        #expect(order.tail(after: 990)?.count == 10)
        for seq in Int64(2_000)...4_000 { _ = order.offer(self.item(seq)) }
        #expect(order.gap?.missing == 1_001)
        #expect(order.skipGap().count == RoomOrder.waitingMax)
    }

    @Test(arguments: 0..<20)
    func anyShuffleComesOutInOrder(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var order = RoomOrder()
        order.begin(seq: 0, streamSequence: 0)
        let doubled = (Array(Int64(1)...200) + Array(Int64(1)...200)).shuffled(using: &generator)
        var shown: [Int64] = []
        for seq in doubled { shown += self.seqs(order.offer(self.item(seq))) }
        #expect(shown == Array(1...200))
    }
}
