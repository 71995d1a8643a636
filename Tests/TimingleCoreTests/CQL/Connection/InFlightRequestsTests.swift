import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

struct InFlightRequestsTests {
    private static func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    private static func waiter(deadline: Int64, sentAt: Int64 = 0) -> InFlightRequests.Waiter {
        InFlightRequests.Waiter(deadline: Self.at(deadline), sentAt: Self.at(sentAt), known: nil) { _ in }
    }

    private static func add(_ requests: inout InFlightRequests, deadline: Int64 = 1) throws -> CQLTicket {
        let ticket = requests.add(Self.waiter(deadline: deadline))
        return try #require(ticket)
    }

    private enum Met: Equatable {
        case waiter(deadline: MonotonicInstant)
        case orphan
        case nobody
    }

    private static func met(_ owner: InFlightRequests.Owner) -> Met {
        switch owner {
        case .waiter(let waiter): .waiter(deadline: waiter.deadline)
        case .orphan: .orphan
        case .nobody: .nobody
        }
    }

    @Test func anAnswerMeetsWhoWaits() throws {
        var requests = InFlightRequests()
        let first = try Self.add(&requests, deadline: 1)
        let second = try Self.add(&requests, deadline: 2)
        #expect(requests.waiterCount == 2)
        #expect(Self.met(requests.answered(second.stream)) == .waiter(deadline: Self.at(2)))
        #expect(Self.met(requests.answered(second.stream)) == .nobody)
        #expect(Self.met(requests.answered(first.stream)) == .waiter(deadline: Self.at(1)))
        #expect(requests.waiterCount == 0)
    }

    @Test(arguments: [-1, -2, 2, 32_767, .min] as [Int16])
    func anAnswerToNothingMeetsNobody(stream: Int16) {
        var requests = InFlightRequests()
        _ = requests.add(Self.waiter(deadline: 1))
        #expect(Self.met(requests.answered(stream)) == .nobody)
        #expect(requests.known(stream) == nil)
    }

    @Test func anOrphanKeepsItsStream() throws {
        var requests = InFlightRequests(limit: 2)
        let ticket = try Self.add(&requests, deadline: 1)
        #expect(requests.orphan(ticket, now: Self.at(5)) != nil)
        #expect(requests.orphan(ticket, now: Self.at(6)) == nil)
        #expect(requests.orphanCount == 1)
        #expect(requests.waiterCount == 0)
        let next = try Self.add(&requests, deadline: 9)
        #expect(next.stream != ticket.stream)
        #expect(requests.add(Self.waiter(deadline: 9)) == nil)
        #expect(Self.met(requests.answered(ticket.stream)) == .orphan)
        #expect(requests.orphanCount == 0)
        #expect(requests.add(Self.waiter(deadline: 9))?.stream == ticket.stream)
    }

    @Test func anOldTicketDoesNothingToANewRequest() throws {
        var requests = InFlightRequests()
        let old = try Self.add(&requests, deadline: 1)
        _ = requests.answered(old.stream)
        let new = try Self.add(&requests, deadline: 2)
        #expect(new.stream == old.stream)
        #expect(requests.orphan(old, now: Self.at(0)) == nil)
        #expect(requests.orphan(new, now: Self.at(0)) != nil)
    }

    @Test func deadlinesAreExact() throws {
        var requests = InFlightRequests()
        #expect(requests.nextDeadline == nil)
        for deadline in [30, 10, 20] as [Int64] { _ = requests.add(Self.waiter(deadline: deadline)) }
        #expect(requests.nextDeadline == Self.at(10))
        #expect(requests.expire(now: Self.at(9)).isEmpty)
        #expect(requests.expire(now: Self.at(10)).map(\.deadline) == [Self.at(10)])
        #expect(requests.nextDeadline == Self.at(20))
        #expect(requests.expire(now: Self.at(40)).map(\.deadline) == [Self.at(30), Self.at(20)])
        #expect(requests.nextDeadline == nil)
        #expect(requests.orphanCount == 3)
        #expect(requests.orphans(before: Self.at(40)) == 1)
        #expect(requests.orphans(before: Self.at(41)) == 3)
    }

    @Test func theEndReturnsWhoWaits() throws {
        var requests = InFlightRequests()
        let tickets = (0..<3).compactMap { requests.add(Self.waiter(deadline: Int64($0))) }
        _ = requests.orphan(tickets[1], now: Self.at(0))
        #expect(requests.removeAll().map(\.deadline) == [Self.at(0), Self.at(2)])
        #expect(requests.orphanCount == 0)
        #expect(requests.waiterCount == 0)
        #expect(requests.nextDeadline == nil)
        #expect(requests.add(Self.waiter(deadline: 1))?.stream == 0)
    }

    @Test func whatWasNotSentIsWithdrawn() throws {
        var requests = InFlightRequests(limit: 1)
        let ticket = try Self.add(&requests, deadline: 1)
        requests.withdraw(ticket)
        #expect(requests.waiterCount == 0)
        #expect(!requests.isFull)
    }

    /// Random requests, answers, cancellations and deadlines against a dictionary.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func aNaiveModelAgrees(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var requests = InFlightRequests(limit: 100)
        var waiting: [Int16: (ticket: CQLTicket, deadline: Int64)] = [:]
        var orphans: Set<Int16> = []
        for now in 0..<2_000 as Range<Int64> {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let deadline = now + Int64.random(in: 1...400, using: &random)
                let ticket = requests.add(Self.waiter(deadline: deadline, sentAt: now))
                #expect((ticket == nil) == (waiting.count + orphans.count == 100))
                if let ticket { waiting[ticket.stream] = (ticket, deadline) }
            case 2:
                guard let stream = (Array(waiting.keys) + Array(orphans)).sorted().randomElement(using: &random) else {
                    continue
                }
                let expected: Met = waiting[stream].map { .waiter(deadline: Self.at($0.deadline)) } ?? .orphan
                #expect(Self.met(requests.answered(stream)) == expected)
                waiting[stream] = nil
                orphans.remove(stream)
            case 3:
                guard let stream = waiting.keys.sorted().randomElement(using: &random), let entry = waiting[stream]
                else {
                    continue
                }
                #expect(requests.orphan(entry.ticket, now: Self.at(now)) != nil)
                waiting[stream] = nil
                orphans.insert(stream)
            default:
                let late = waiting.filter { $0.value.deadline <= now }
                #expect(requests.expire(now: Self.at(now)).count == late.count)
                for stream in late.keys {
                    waiting[stream] = nil
                    orphans.insert(stream)
                }
                let next = waiting.values.map(\.deadline).min()
                #expect(requests.nextDeadline == next.map(Self.at))
            }
            #expect(requests.waiterCount == waiting.count)
            #expect(requests.orphanCount == orphans.count)
        }
    }
}
