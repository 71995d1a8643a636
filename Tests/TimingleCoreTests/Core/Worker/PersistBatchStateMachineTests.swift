import Testing

@testable import TimingleCore
import TimingleNet

struct PersistBatchStateMachineTests {
    private struct Item: PersistItem, Equatable {
        let sequence: UInt64
        var delivery = 1
    }

    private typealias Machine = PersistBatchStateMachine<Item>
    private let start = MonotonicInstant.now

    private func text(_ action: Machine.Action) -> String {
        switch action {
        case .nothing: "nothing"
        case .wake(let time): "wake \((time - self.start) / .milliseconds(1))"
        case .write(let items): "write \(items.map(\.sequence))"
        case .finish: "finish"
        }
    }

    private func machine(size: Int = 3) -> Machine { Machine(sizeMax: size, ageMax: .milliseconds(20)) }

    @Test func theFirstMessageStartsTheClockAndTheLastOneOfABatchWritesIt() {
        var machine = self.machine()
        #expect(self.text(machine.received(Item(sequence: 1), now: self.start)) == "wake 20.0")
        #expect(self.text(machine.received(Item(sequence: 2), now: self.start)) == "nothing")
        #expect(machine.room == 1)
        #expect(self.text(machine.received(Item(sequence: 3), now: self.start)) == "write [1, 2, 3]")
        // The old timer fires during the write.
        #expect(self.text(machine.deadlineReached(now: self.start + .milliseconds(20))) == "nothing")
    }

    @Test func ageWritesASmallBatch() {
        var machine = self.machine()
        _ = machine.received(Item(sequence: 1), now: self.start)
        #expect(self.text(machine.deadlineReached(now: self.start + .milliseconds(5))) == "wake 20.0")
        #expect(self.text(machine.deadlineReached(now: self.start + .milliseconds(20))) == "write [1]")
    }

    @Test func theNextBatchGathersDuringAWriteAndFollowsAtOnce() {
        var machine = self.machine(size: 2)
        _ = machine.received(Item(sequence: 1), now: self.start)
        _ = machine.received(Item(sequence: 2), now: self.start)
        #expect(machine.room == 2)
        #expect(self.text(machine.received(Item(sequence: 3), now: self.start)) == "nothing")
        let (settled, action) = machine.writeSucceeded(now: self.start)
        #expect(settled.map(\.sequence) == [1, 2])
        #expect(self.text(action) == "write [3]")
        let (rest, end) = machine.writeSucceeded(now: self.start)
        #expect(rest.map(\.sequence) == [3])
        #expect(self.text(end) == "nothing")
        #expect(machine.inHand.isEmpty)
    }

    @Test func aFailedBatchIsKeptAndTriedAgainAndNothingMoreIsAskedFor() {
        var machine = self.machine(size: 1)
        _ = machine.received(Item(sequence: 1), now: self.start)
        for attempt in 1...3 {
            let action = machine.writeFailed(now: self.start) { .milliseconds(100 * $0) }
            #expect(self.text(action) == "wake \(Double(100 * attempt))")
            #expect(machine.room == 0)
            #expect(machine.inHand == [Item(sequence: 1)])
            let again = machine.deadlineReached(now: self.start + .milliseconds(100 * attempt))
            #expect(self.text(again) == "write [1]")
        }
        #expect(machine.writeSucceeded(now: self.start).settled == [Item(sequence: 1)])
    }

    @Test func aRedeliveryReplacesTheOlderOneWhereverItIs() {
        var machine = self.machine(size: 2)
        _ = machine.received(Item(sequence: 1), now: self.start)
        #expect(self.text(machine.received(Item(sequence: 1, delivery: 2), now: self.start)) == "nothing")
        _ = machine.received(Item(sequence: 2), now: self.start)
        // Being written.
        _ = machine.received(Item(sequence: 1, delivery: 3), now: self.start)
        _ = machine.received(Item(sequence: 3), now: self.start)
        _ = machine.writeFailed(now: self.start) { _ in .zero }
        // Waiting.
        _ = machine.received(Item(sequence: 2, delivery: 2), now: self.start)
        _ = machine.deadlineReached(now: self.start)
        let (settled, action) = machine.writeSucceeded(now: self.start)
        #expect(settled == [Item(sequence: 1, delivery: 3), Item(sequence: 2, delivery: 2)])
        #expect(self.text(action) == "write [3]")
    }

    @Test func drainingAnEmptyMachineFinishesAtOnce() {
        var machine = self.machine()
        #expect(self.text(machine.drain()) == "finish")
        #expect(machine.isDrained)
        #expect(self.text(machine.received(Item(sequence: 1), now: self.start)) == "nothing")
        #expect(machine.inHand.isEmpty)
        #expect(self.text(machine.drain()) == "nothing")
    }

    @Test func drainingWritesWhatIsInHandAndThenFinishes() {
        var machine = self.machine(size: 2)
        _ = machine.received(Item(sequence: 1), now: self.start)
        #expect(self.text(machine.drain()) == "write [1]")
        #expect(machine.room == 0)
        #expect(self.text(machine.received(Item(sequence: 2), now: self.start)) == "nothing")
        let failed = machine.writeFailed(now: self.start) { _ in .milliseconds(1) }
        #expect(self.text(failed) == "wake 1.0")
        #expect(self.text(machine.deadlineReached(now: self.start + .milliseconds(1))) == "write [1]")
        #expect(self.text(machine.writeSucceeded(now: self.start).action) == "finish")
    }

    @Test func drainingDuringAWriteAlsoWritesTheNextBatch() {
        var machine = self.machine(size: 1)
        _ = machine.received(Item(sequence: 1), now: self.start)
        _ = machine.received(Item(sequence: 2), now: self.start)
        #expect(self.text(machine.drain()) == "nothing")
        #expect(self.text(machine.writeSucceeded(now: self.start).action) == "write [2]")
        #expect(self.text(machine.writeSucceeded(now: self.start).action) == "finish")
    }
}
