import Testing
import TimingleNet
import TimingleTestSupport

@testable import TimingleCQL

struct NodeJournalTests {
    private let first = SocketAddress.ipv4(address: 0x7F00_0001, port: 9_042)
    private let second = SocketAddress.ipv4(address: 0x7F00_0002, port: 9_042)
    private let failure = CQLError(.notConnected, "no connection")
    private let lines = Locked<[LogLine]>([])

    private func journal(_ level: LogLevel = .info) -> NodeJournal {
        let log = Log(label: "cql", level: level, sink: KeptLines(self.lines))
        return NodeJournal(log: log) { $0.code == .authentication ? "PASSWORD" : nil }
    }

    private func told() -> [String] {
        self.lines.withLock { lines in
            defer { lines = [] }
            return lines.map { line in
                let see = line.metadata.first { $0.key == "see" }.map { " \($0.value)" } ?? ""
                return "\(line.level.name): \(line.message)\(see)"
            }
        }
    }

    @Test func aNodeThatComesAndGoesIsToldOnceHoweverManyLoopsNotice() {
        let journal = self.journal()
        for _ in 0..<4 { journal.connected(self.first) }
        #expect(self.told() == ["info: cql node is up"])
        for _ in 0..<3 { journal.failed(self.first, self.failure, wasLast: true) }
        #expect(self.told() == [], "one loop still has a connection")
        journal.failed(self.first, self.failure, wasLast: true)
        #expect(self.told() == ["warning: cql node is down"])
        for _ in 0..<100 { journal.failed(self.first, self.failure, wasLast: false) }
        #expect(self.told() == [])
        for _ in 0..<4 { journal.connected(self.first) }
        #expect(self.told() == ["info: cql node is up again"])
    }

    @Test func aNodeThatIsDownFromTheStartIsToldOnce() {
        let journal = self.journal()
        for _ in 0..<10 { journal.failed(self.second, self.failure, wasLast: false) }
        #expect(self.told() == ["warning: cql node is down"])
        journal.connected(self.second)
        #expect(self.told() == ["info: cql node is up again"])
    }

    @Test func theLossOfOneConnectionOfSeveralIsADetail() {
        let journal = self.journal(.debug)
        journal.connected(self.first)
        journal.failed(self.first, self.failure, wasLast: false)
        #expect(self.told() == ["info: cql node is up", "debug: cql connection ended"])
    }

    @Test func poolsThatEndAreNoNews() {
        let journal = self.journal()
        for _ in 0..<2 { journal.connected(self.first) }
        journal.ended(self.first, hadConnection: true)
        journal.ended(self.first, hadConnection: true)
        journal.ended(self.second, hadConnection: false)
        #expect(self.told() == ["info: cql node is up"])
        journal.connected(self.first)
        #expect(self.told() == ["info: cql node is up"], "it was forgotten")
    }

    @Test func aClusterThatNobodyCanReachIsToldOnceWithWhereToLook() {
        let journal = self.journal()
        for _ in 0..<10 { journal.nobodyAnswered(CQLError(.authentication, "wrong password")) }
        let advised = LogValue.text("PASSWORD")
        #expect(self.told() == ["warning: cql cluster cannot be reached \(advised)"])
        journal.learned()
        journal.learned()
        #expect(self.told() == ["info: cql cluster is reached"])
    }

    @Test func anOutageOfAllNodesIsNotToldTwice() {
        let journal = self.journal()
        journal.learned()
        journal.connected(self.first)
        journal.nobodyAnswered(self.failure)
        journal.failed(self.first, self.failure, wasLast: true)
        for _ in 0..<10 { journal.nobodyAnswered(self.failure) }
        journal.connected(self.first)
        journal.learned()
        #expect(
            self.told() == ["info: cql node is up", "warning: cql node is down", "info: cql node is up again"]
        )
        // But a cluster that tells nothing although a node of it is up is worth a line.
        for _ in 0..<10 { journal.nobodyAnswered(self.failure) }
        journal.learned()
        #expect(self.told() == ["warning: cql cluster cannot be reached", "info: cql cluster is reached"])
    }
}
