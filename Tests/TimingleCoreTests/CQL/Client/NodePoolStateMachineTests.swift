import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

struct NodePoolStateMachineTests {
    private let now = MonotonicInstant(nanoseconds: 1_000_000_000)
    private let backoff = ReconnectBackoff(base: .milliseconds(100), max: .seconds(5))

    /// One connecting: the state right after `start`.
    private func started() -> NodePoolStateMachine {
        var machine = NodePoolStateMachine(backoff: self.backoff)
        _ = machine.start()
        return machine
    }

    private func failed() -> NodePoolStateMachine {
        var machine = self.started()
        _ = machine.ended(1, now: self.now, jitter: 1)
        return machine
    }

    private func closed() -> NodePoolStateMachine {
        var machine = self.started()
        _ = machine.close()
        return machine
    }

    // MARK: Every state and event

    @Test func startConnectsOnceOnly() {
        var machine = NodePoolStateMachine(backoff: self.backoff)
        #expect(machine.start() == [.connect(1, slot: 0)])
        #expect(machine.start() == [])
        var failed = self.failed()
        #expect(failed.start() == [])
        var closed = self.closed()
        #expect(closed.start() == [])
    }

    @Test func theFirstConnectionTellsHowManyThereAreToBe() {
        var machine = self.started()
        let actions = machine.opened(1, shard: 2, shardCount: 4, now: self.now, jitter: 0)
        #expect(actions == [.connect(2, slot: 0), .connect(3, slot: 1), .connect(4, slot: 3)])
        #expect(machine.slots == [.connecting(2), .connecting(3), .open(1), .connecting(4)])
        #expect(machine.openCount == 1 && machine.failures == 0)
    }

    @Test func aConnectionToAShardThatHasOneIsClosedAndTheNextAttemptWaits() {
        var machine = self.started()
        _ = machine.opened(1, shard: 0, shardCount: 2, now: self.now, jitter: 0)
        let until = self.now + .milliseconds(100)
        let actions = machine.opened(2, shard: 0, shardCount: 2, now: self.now, jitter: 1)
        #expect(actions == [.close(2), .wait(until: until)])
        #expect(machine.deadlineReached(now: until) == [.connect(3, slot: 1)])
    }

    @Test func whatComesUpWhilePausingServes() {
        var machine = self.started()
        _ = machine.opened(1, shard: 0, shardCount: 3, now: self.now, jitter: 0)
        _ = machine.ended(2, now: self.now, jitter: 0)
        #expect(machine.opened(3, shard: 2, shardCount: 3, now: self.now, jitter: 0) == [])
        #expect(machine.openCount == 2)
        #expect(machine.opened(9, shard: 1, shardCount: 3, now: self.now, jitter: 0) == [.close(9)])
    }

    @Test func afterTheEndEverythingIsClosed() {
        var machine = self.closed()
        #expect(machine.opened(1, shard: 0, shardCount: 1, now: self.now, jitter: 0) == [.close(1)])
        #expect(machine.ended(1, now: self.now, jitter: 0) == [])
        #expect(machine.deadlineReached(now: self.now) == [])
        #expect(machine.reportedUp() == [])
        #expect(machine.close() == [])
        #expect(machine.isClosed && machine.openCount == 0 && machine.failures == 0 && machine.slots == [])
    }

    @Test func aFailureWaitsLongerEachTime() {
        var machine = self.started()
        var time = self.now
        for (attempt, milliseconds) in [100, 200, 400, 800].enumerated() {
            let until = time + .milliseconds(milliseconds)
            #expect(machine.ended(attempt + 1, now: time, jitter: 1) == [.wait(until: until)])
            #expect(machine.failures == attempt + 1)
            time = until
            #expect(machine.deadlineReached(now: time) == [.connect(attempt + 2, slot: 0)])
            #expect(machine.failures == 0)
        }
    }

    @Test func aStrangersEndIsNoFailure() {
        var machine = self.started()
        #expect(machine.ended(7, now: self.now, jitter: 0) == [])
        var failed = self.failed()
        #expect(failed.ended(7, now: self.now, jitter: 0) == [])
        #expect(failed.failures == 1)
    }

    @Test func anEarlyDeadlineWaitsOn() {
        var machine = self.failed()
        let until = self.now + .milliseconds(100)
        #expect(machine.deadlineReached(now: self.now) == [.wait(until: until)])
        var active = self.started()
        #expect(active.deadlineReached(now: self.now) == [])
    }

    @Test func aNodeThatIsReportedUpIsAskedAtOnce() {
        var machine = self.failed()
        #expect(machine.reportedUp() == [.connect(2, slot: 0)])
        #expect(machine.reportedUp() == [])
    }

    @Test func theEndClosesAllThatThereIs() {
        var machine = self.started()
        _ = machine.opened(1, shard: 0, shardCount: 2, now: self.now, jitter: 0)
        #expect(machine.close() == [.close(1), .close(2)])
        var failed = self.failed()
        #expect(failed.close() == [])
    }

    @Test func aLostConnectionIsReplacedAfterAPause() {
        var machine = self.started()
        _ = machine.opened(1, shard: 0, shardCount: 1, now: self.now, jitter: 0)
        let until = self.now + .milliseconds(50)
        #expect(machine.ended(1, now: self.now, jitter: 0) == [.wait(until: until)])
        #expect(machine.openCount == 0)
    }

    // MARK: Model

    /// Random events against what must always hold.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8])
    func invariantsHoldWhateverHappens(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var machine = NodePoolStateMachine(backoff: self.backoff)
        var time = self.now
        var connecting: Set<Int> = []
        var open: Set<Int> = []
        var due: MonotonicInstant?
        func apply(_ actions: [NodePoolStateMachine.Action]) {
            for action in actions {
                switch action {
                case .connect(let id, let slot):
                    #expect(!connecting.contains(id) && !open.contains(id) && (0..<4).contains(slot))
                    connecting.insert(id)
                case .close(let id):
                    connecting.remove(id)
                    open.remove(id)
                case .wait(let until):
                    #expect(until > time)
                    due = until
                }
            }
        }
        apply(machine.start())
        for _ in 0..<2_000 {
            time += .milliseconds(Int.random(in: 1...50, using: &random))
            if let until = due, until <= time {
                due = nil
                apply(machine.deadlineReached(now: time))
            }
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                guard let id = connecting.randomElement(using: &random) else { break }
                connecting.remove(id)
                open.insert(id)
                let shard = Int.random(in: 0..<4, using: &random)
                apply(machine.opened(id, shard: shard, shardCount: 4, now: time, jitter: 0.5))
            case 1:
                guard let id = connecting.union(open).randomElement(using: &random) else { break }
                connecting.remove(id)
                open.remove(id)
                apply(machine.ended(id, now: time, jitter: 0.5))
            case 2:
                apply(machine.reportedUp())
            default:
                break
            }
            #expect(machine.openCount == open.count)
            #expect(open.count + connecting.count <= 8)
            // It never gives up: something is on its way, or a time is set, or all is there.
            #expect(!connecting.isEmpty || due != nil || open.count == 4)
        }
        apply(machine.close())
        #expect(open.isEmpty)
    }
}
