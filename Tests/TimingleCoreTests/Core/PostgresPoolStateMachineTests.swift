import Testing
import TimingleTestSupport

@testable import TimingleCore
import TimingleNet

struct PostgresPoolStateMachineTests {
    private let start = MonotonicInstant.now

    private func machine(
        maxConnections: Int = 2,
        maxWaiters: Int = 3,
        failuresBeforeRefusing: Int = 3
    ) -> PostgresPoolStateMachine {
        PostgresPoolStateMachine(
            limits: PostgresPoolStateMachine.Limits(
                maxConnections: maxConnections,
                maxWaiters: maxWaiters,
                acquireTimeout: .seconds(3),
                idleTimeout: .seconds(60),
                maxLifetime: .seconds(600),
                backoffBase: .milliseconds(100),
                backoffMax: .seconds(5),
                failuresBeforeRefusing: failuresBeforeRefusing
            )
        )
    }

    /// A macro cannot call what mutates.
    private func expect(
        _ actions: [PostgresPoolStateMachine.Action],
        _ expected: [PostgresPoolStateMachine.Action],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(actions == expected, sourceLocation: sourceLocation)
    }

    @Test func theFirstCallerConnectsAndIsServed() {
        var machine = self.machine()
        self.expect(machine.acquire(1, now: self.start), [.connect(1)])
        self.expect(machine.connectionEstablished(1, now: self.start, jitter: 0), [.lease(1, to: 1)])
        self.expect(machine.released(1, isReusable: true, now: self.start), [])
        self.expect(machine.acquire(2, now: self.start), [.lease(1, to: 2)])
    }

    @Test func waitersAreServedInTheOrderOfArrival() {
        var machine = self.machine(maxConnections: 1)
        _ = machine.acquire(1, now: self.start)
        _ = machine.connectionEstablished(1, now: self.start, jitter: 0)
        self.expect(machine.acquire(2, now: self.start), [])
        self.expect(machine.acquire(3, now: self.start), [])
        self.expect(machine.released(1, isReusable: true, now: self.start), [.lease(1, to: 2)])
        self.expect(machine.released(1, isReusable: true, now: self.start), [.lease(1, to: 3)])
    }

    @Test func aConnectionInDoubtIsReplacedWhileSomebodyWaits() {
        var machine = self.machine(maxConnections: 1)
        _ = machine.acquire(1, now: self.start)
        _ = machine.connectionEstablished(1, now: self.start, jitter: 0)
        _ = machine.acquire(2, now: self.start)
        self.expect(machine.released(1, isReusable: false, now: self.start), [.close(1), .connect(2)])
    }

    @Test func oneWaiterTooManyIsRefusedAtOnce() {
        var machine = self.machine(maxWaiters: 2)
        _ = machine.acquire(1, now: self.start)
        _ = machine.acquire(2, now: self.start)
        self.expect(machine.acquire(3, now: self.start), [.refuse(3, .tooManyWaiters)])
    }

    @Test func waitersLeaveAtTheirDeadline() {
        var machine = self.machine()
        _ = machine.acquire(1, now: self.start)
        #expect(machine.nextDeadline == self.start + .seconds(3))
        self.expect(machine.deadlineReached(now: self.start + .milliseconds(2_999)), [])
        self.expect(machine.deadlineReached(now: self.start + .seconds(3)), [.refuse(1, .timeout)])
        self.expect(machine.connectionEstablished(1, now: self.start + .seconds(4), jitter: 0), [])
        self.expect(machine.acquire(2, now: self.start + .seconds(4)), [.lease(1, to: 2)])
    }

    @Test func aCancelledWaiterIsGone() {
        var machine = self.machine()
        _ = machine.acquire(1, now: self.start)
        let first = machine.waiterCancelled(1)
        let second = machine.waiterCancelled(1)
        #expect(first && !second)
        self.expect(machine.connectionEstablished(1, now: self.start, jitter: 0), [])
    }

    @Test func theBackoffDoublesAndThenCallersAreRefusedAtOnce() {
        var machine = self.machine()
        var now = self.start
        self.expect(machine.acquire(1, now: now), [.connect(1)])
        self.expect(machine.connectionClosed(1, now: now, jitter: 1), [])
        #expect(machine.isFailing)
        now += .milliseconds(100)
        #expect(machine.nextDeadline == now)
        self.expect(machine.deadlineReached(now: now), [.connect(2)])
        self.expect(machine.connectionClosed(2, now: now, jitter: 1), [])
        now += .milliseconds(199)
        self.expect(machine.deadlineReached(now: now), [])
        now += .milliseconds(1)
        self.expect(machine.deadlineReached(now: now), [.connect(3)])
        self.expect(machine.connectionClosed(3, now: now, jitter: 1), [.refuse(1, .unreachable)])
        self.expect(machine.acquire(2, now: now), [.refuse(2, .unreachable)])
        // Once the pause is over, the next caller tries and gets through.
        now += .milliseconds(400)
        self.expect(machine.acquire(3, now: now), [.connect(4)])
        self.expect(machine.connectionEstablished(4, now: now, jitter: 0), [.lease(4, to: 3)])
        #expect(!machine.isFailing)
    }

    @Test func attemptsThatFailTogetherCountOnce() {
        var machine = self.machine(failuresBeforeRefusing: 2)
        self.expect(machine.acquire(1, now: self.start), [.connect(1)])
        self.expect(machine.acquire(2, now: self.start), [.connect(2)])
        self.expect(machine.connectionClosed(1, now: self.start, jitter: 0), [])
        self.expect(machine.connectionClosed(2, now: self.start, jitter: 0), [])
    }

    @Test func idleConnectionsGrowOld() {
        var machine = self.machine()
        _ = machine.acquire(1, now: self.start)
        _ = machine.connectionEstablished(1, now: self.start, jitter: 0)
        _ = machine.released(1, isReusable: true, now: self.start)
        #expect(machine.nextDeadline == self.start + .seconds(60))
        self.expect(machine.deadlineReached(now: self.start + .seconds(60)), [.close(1)])
        #expect(machine.connectionCount == 0)
        #expect(machine.nextDeadline == nil)
    }

    @Test func aConnectionPastItsLifetimeIsNotHandedOut() {
        var machine = self.machine()
        _ = machine.acquire(1, now: self.start)
        _ = machine.connectionEstablished(1, now: self.start, jitter: 0)
        let late = self.start + .seconds(480)
        self.expect(machine.released(1, isReusable: true, now: late), [.close(1)])
    }

    @Test func drainRefusesWaitersAndWaitsForLeases() {
        var machine = self.machine(maxConnections: 1)
        _ = machine.acquire(1, now: self.start)
        _ = machine.connectionEstablished(1, now: self.start, jitter: 0)
        _ = machine.acquire(2, now: self.start)
        self.expect(machine.drain(), [.refuse(2, .closed)])
        self.expect(machine.acquire(3, now: self.start), [.refuse(3, .closed)])
        self.expect(machine.released(1, isReusable: true, now: self.start), [.close(1), .drained])
    }

    @Test func drainWithNothingOpenIsDoneAtOnce() {
        var machine = self.machine()
        self.expect(machine.drain(), [.drained])
    }

    /// What a waiter and a connection may be, by the plainest rules that can be written.
    private struct Model {
        var waiting: [UInt64] = []
        var holders: [Int: UInt64] = [:]
        var connecting: Set<Int> = []
        var open: Set<Int> = []
        var answered: Set<UInt64> = []

        mutating func apply(_ actions: [PostgresPoolStateMachine.Action], maxConnections: Int) {
            for action in actions {
                switch action {
                case .connect(let id):
                    #expect(!self.open.contains(id))
                    self.connecting.insert(id)
                case .lease(let id, let waiter):
                    #expect(self.open.contains(id), "leased a connection that is not open")
                    #expect(self.holders[id] == nil, "leased a connection twice")
                    #expect(self.waiting.first == waiter, "not first come, first served")
                    self.waiting.removeAll { $0 == waiter }
                    self.answer(waiter)
                    self.holders[id] = waiter
                case .close(let id):
                    #expect(self.open.remove(id) != nil || self.connecting.remove(id) != nil)
                case .refuse(let waiter, _):
                    self.waiting.removeAll { $0 == waiter }
                    self.answer(waiter)
                case .drained:
                    #expect(self.open.isEmpty && self.connecting.isEmpty)
                }
            }
            #expect(self.open.count + self.connecting.count <= maxConnections)
        }

        private mutating func answer(_ waiter: UInt64) {
            #expect(self.answered.insert(waiter).inserted, "answered a waiter twice")
        }
    }

    @Test(arguments: 0..<40)
    func randomEventsKeepTheRules(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let maxConnections = Int.random(in: 1...4, using: &random)
        var machine = self.machine(maxConnections: maxConnections, maxWaiters: 6)
        var model = Model()
        var now = self.start
        var nextWaiter: UInt64 = 0
        for _ in 0..<2_000 {
            now += .milliseconds(Int.random(in: 0...400, using: &random))
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<4:
                nextWaiter += 1
                model.waiting.append(nextWaiter)
                model.apply(machine.acquire(nextWaiter, now: now), maxConnections: maxConnections)
            case 4..<7:
                guard let held = model.holders.keys.sorted().randomElement(using: &random) else { continue }
                model.holders[held] = nil
                let isReusable = Bool.random(using: &random) || Bool.random(using: &random)
                model.apply(machine.released(held, isReusable: isReusable, now: now), maxConnections: maxConnections)
            case 7..<9:
                guard let id = model.connecting.sorted().randomElement(using: &random) else { continue }
                model.connecting.remove(id)
                model.open.insert(id)
                let actions = machine.connectionEstablished(id, now: now, jitter: 0.5)
                model.apply(actions, maxConnections: maxConnections)
            case 9:
                let known = model.connecting.union(model.open).sorted()
                guard let id = known.randomElement(using: &random) else { continue }
                model.connecting.remove(id)
                model.open.remove(id)
                model.holders[id] = nil
                let actions = machine.connectionClosed(id, now: now, jitter: 0.5)
                model.apply(actions, maxConnections: maxConnections)
            case 10:
                model.apply(machine.deadlineReached(now: now), maxConnections: maxConnections)
            default:
                guard let waiter = model.waiting.randomElement(using: &random) else { continue }
                let wasWaiting = machine.waiterCancelled(waiter)
                #expect(wasWaiting)
                model.waiting.removeAll { $0 == waiter }
            }
            #expect(machine.waiterCount == model.waiting.count)
            #expect(machine.connectionCount == model.open.count + model.connecting.count)
            #expect(machine.leasedCount == model.holders.count)
            // Nobody waits while a connection is free, and nobody waits for nothing.
            if !model.waiting.isEmpty {
                #expect(model.open.count == model.holders.count, "a waiter beside an idle connection")
                #expect(machine.nextDeadline != nil)
            }
        }
        let held = model.holders.keys.sorted()
        model.apply(machine.drain(), maxConnections: maxConnections)
        #expect(model.waiting.isEmpty)
        for id in held {
            model.apply(machine.released(id, isReusable: true, now: now), maxConnections: maxConnections)
        }
        #expect(machine.connectionCount == 0)
    }
}
