internal import TimingleNet

/// Decides who gets which connection, when to connect, and when to give one up.
///
/// Loop-confined. No I/O, clock or randomness inside: time and jitter arrive as arguments. Waiters are served first
/// come, first served; the connection used last is used next, so that spare ones grow old and go.
struct PostgresPoolStateMachine {
    typealias Instant = MonotonicInstant
    typealias ConnectionID = Int
    typealias WaiterID = UInt64

    struct Limits: Sendable {
        var maxConnections: Int
        var maxWaiters: Int
        var acquireTimeout: Duration
        var idleTimeout: Duration
        var maxLifetime: Duration
        var backoffBase: Duration
        var backoffMax: Duration
        var failuresBeforeRefusing: Int
    }

    enum Refusal: Equatable {
        case timeout
        case tooManyWaiters
        case unreachable
        case closed
    }

    enum Action: Equatable {
        case connect(ConnectionID)
        case lease(ConnectionID, to: WaiterID)
        case close(ConnectionID)
        case refuse(WaiterID, Refusal)
        /// The last connection is gone after `drain`.
        case drained
    }

    private struct Idle {
        let id: ConnectionID
        let since: Instant
    }

    private struct Waiter {
        let id: WaiterID
        let deadline: Instant
    }

    private let limits: Limits
    private var nextID: ConnectionID = 0
    private var connecting: Set<ConnectionID> = []
    private var leased: Set<ConnectionID> = []
    /// The one that has been idle longest stands in front.
    private var idle: [Idle] = []
    private var expiries: [ConnectionID: Instant] = [:]
    /// In the order of arrival, which is also the order of deadlines.
    private var waiters: [Waiter] = []
    private var failures = 0
    private var backoffUntil: Instant?
    private var draining = false

    init(limits: Limits) {
        self.limits = limits
    }

    var connectionCount: Int { self.connecting.count + self.leased.count + self.idle.count }
    var leasedCount: Int { self.leased.count }
    var waiterCount: Int { self.waiters.count }
    /// True from the first failure to connect to the next success.
    var isFailing: Bool { self.failures > 0 }

    /// When `deadlineReached` has something to do, unless another event comes first.
    var nextDeadline: Instant? {
        var deadline = self.waiters.first?.deadline
        func consider(_ instant: Instant) { deadline = min(deadline ?? instant, instant) }
        for idle in self.idle {
            consider(idle.since + self.limits.idleTimeout)
            if let expiry = self.expiries[idle.id] { consider(expiry) }
        }
        if let backoffUntil = self.backoffUntil, !self.waiters.isEmpty { consider(backoffUntil) }
        return deadline
    }

    // MARK: Callers

    mutating func acquire(_ waiter: WaiterID, now: Instant) -> [Action] {
        guard !self.draining else { return [.refuse(waiter, .closed)] }
        var actions: [Action] = []
        while let candidate = self.idle.popLast() {
            if let expiry = self.expiries[candidate.id], expiry <= now {
                self.expiries[candidate.id] = nil
                actions.append(.close(candidate.id))
                continue
            }
            self.leased.insert(candidate.id)
            actions.append(.lease(candidate.id, to: waiter))
            return actions
        }
        if self.isRefusing(now) { return actions + [.refuse(waiter, .unreachable)] }
        guard self.waiters.count < self.limits.maxWaiters else {
            return actions + [.refuse(waiter, .tooManyWaiters)]
        }
        self.waiters.append(Waiter(id: waiter, deadline: now + self.limits.acquireTimeout))
        return actions + self.connectsNeeded(now)
    }

    /// Takes a waiter out of the queue; false if it has its connection or its refusal already.
    mutating func waiterCancelled(_ waiter: WaiterID) -> Bool {
        guard let index = self.waiters.firstIndex(where: { $0.id == waiter }) else { return false }
        self.waiters.remove(at: index)
        return true
    }

    mutating func released(_ id: ConnectionID, isReusable: Bool, now: Instant) -> [Action] {
        // A connection that was closed while it was leased is not known any more.
        guard self.leased.remove(id) != nil else { return [] }
        let isExpired = self.expiries[id].map { $0 <= now } ?? true
        guard isReusable, !isExpired, !self.draining else {
            self.expiries[id] = nil
            return [.close(id)] + self.connectsNeeded(now) + self.drainedIfEmpty()
        }
        return self.handOut(id, now: now)
    }

    // MARK: Connections

    /// `jitter` in 0..<1 spreads the ends of connections that were made together.
    mutating func connectionEstablished(_ id: ConnectionID, now: Instant, jitter: Double) -> [Action] {
        guard self.connecting.remove(id) != nil else { return [.close(id)] }
        self.failures = 0
        self.backoffUntil = nil
        self.expiries[id] = now + self.limits.maxLifetime * (0.8 + 0.2 * jitter)
        return self.handOut(id, now: now) + self.connectsNeeded(now)
    }

    /// A connection ended by itself: it never came up, or broke while idle or leased.
    mutating func connectionClosed(_ id: ConnectionID, now: Instant, jitter: Double) -> [Action] {
        self.expiries[id] = nil
        if self.connecting.remove(id) != nil { return self.connectFailed(now: now, jitter: jitter) }
        if self.leased.remove(id) == nil { self.idle.removeAll { $0.id == id } }
        return self.connectsNeeded(now) + self.drainedIfEmpty()
    }

    private mutating func connectFailed(now: Instant, jitter: Double) -> [Action] {
        guard !self.draining else { return self.drainedIfEmpty() }
        // Attempts that were under way together fail together: one outage counts once.
        if self.backoffUntil.map({ $0 <= now }) ?? true {
            let pause = min(self.limits.backoffBase * Double(1 << min(self.failures, 16)), self.limits.backoffMax)
            self.failures += 1
            self.backoffUntil = now + pause * (0.5 + 0.5 * jitter)
        }
        guard self.isRefusing(now) else { return self.connectsNeeded(now) }
        defer { self.waiters = [] }
        return self.waiters.map { .refuse($0.id, .unreachable) }
    }

    // MARK: Time and end

    mutating func deadlineReached(now: Instant) -> [Action] {
        let expired = self.waiters.prefix { $0.deadline <= now }
        var actions: [Action] = expired.map { .refuse($0.id, .timeout) }
        self.waiters.removeFirst(expired.count)
        var kept: [Idle] = []
        for idle in self.idle {
            let hasExpired = self.expiries[idle.id].map { $0 <= now } ?? true
            if hasExpired || idle.since + self.limits.idleTimeout <= now {
                self.expiries[idle.id] = nil
                actions.append(.close(idle.id))
            } else {
                kept.append(idle)
            }
        }
        self.idle = kept
        return actions + self.connectsNeeded(now)
    }

    /// Refuses all who wait and closes what is not leased; leased connections close when they come back.
    mutating func drain() -> [Action] {
        guard !self.draining else { return [] }
        self.draining = true
        let refusals = self.waiters.map { Action.refuse($0.id, .closed) }
        let closes = (self.idle.map(\.id) + self.connecting.sorted()).map { Action.close($0) }
        self.waiters = []
        self.idle = []
        self.connecting = []
        return refusals + closes + self.drainedIfEmpty()
    }

    // MARK: Shared steps

    private mutating func handOut(_ id: ConnectionID, now: Instant) -> [Action] {
        guard !self.waiters.isEmpty else {
            self.leased.remove(id)
            self.idle.append(Idle(id: id, since: now))
            return []
        }
        self.leased.insert(id)
        return [.lease(id, to: self.waiters.removeFirst().id)]
    }

    private mutating func connectsNeeded(_ now: Instant) -> [Action] {
        guard !self.draining, self.backoffUntil.map({ $0 <= now }) ?? true else { return [] }
        var actions: [Action] = []
        // While the server fails, one attempt at a time finds out as much as many.
        let attempts = self.failures > 0 ? 1 : self.waiters.count
        while self.connecting.count < min(attempts, self.waiters.count),
            self.connectionCount < self.limits.maxConnections
        {
            self.nextID += 1
            self.connecting.insert(self.nextID)
            actions.append(.connect(self.nextID))
        }
        return actions
    }

    private func isRefusing(_ now: Instant) -> Bool {
        guard let backoffUntil = self.backoffUntil, now < backoffUntil else { return false }
        return self.failures >= self.limits.failuresBeforeRefusing && self.leased.isEmpty && self.idle.isEmpty
    }

    private func drainedIfEmpty() -> [Action] {
        self.draining && self.connectionCount == 0 ? [.drained] : []
    }
}
