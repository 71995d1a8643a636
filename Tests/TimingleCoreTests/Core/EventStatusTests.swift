import Testing
import TimingleCore

struct EventStatusTests {
    private static let legal: Set<[EventStatus]> = [
        [.proposed, .confirmed], [.proposed, .canceled], [.confirmed, .canceled], [.confirmed, .done],
    ]

    @Test(arguments: EventStatus.allCases, EventStatus.allCases)
    func onlyTheListedMovesAreLegal(from: EventStatus, to: EventStatus) {
        #expect(from.canBecome(to) == Self.legal.contains([from, to]))
        if from.isTerminal { #expect(!from.canBecome(to)) }
    }
}
