import Testing
import TimingleTestSupport

@testable import TimingleCQL

struct RoutingPolicyTests {
    /// Nodes 0 to 2 are local, 3 and 4 are not.
    private let isLocal: (Int) -> Bool = { $0 < 3 }

    private func order(
        replicas: [Int] = [],
        turn: Int = 0,
        remote: Bool = true,
        standing: [Int: RoutingPolicy.Standing] = [:]
    ) -> [Int] {
        let policy = RoutingPolicy(nodeCount: 5, usesRemoteNodes: remote)
        var request = RoutingPolicy.Request(replicas: replicas, turn: turn)
        while let node = policy.next(request, isLocal: self.isLocal, standing: { standing[$0] ?? .ready }) {
            request.tried.append(node)
        }
        return request.tried
    }

    @Test func localReplicasComeFirstAndRemoteReplicasBeforeOtherRemoteNodes() {
        #expect(self.order(replicas: [4, 2]) == [2, 0, 1, 4, 3])
    }

    @Test func equalsTakeTurns() {
        #expect(self.order(replicas: [0, 1, 2], turn: 0).first == 0)
        #expect(self.order(replicas: [0, 1, 2], turn: 1).first == 1)
        #expect(self.order(replicas: [0, 1, 2], turn: 2).first == 2)
        #expect(self.order(turn: 1).first == 1)
    }

    @Test func requestsStayLocalUnlessTheyMayLeave() {
        #expect(self.order(replicas: [4, 2], remote: false) == [2, 0, 1])
    }

    @Test func suspectsComeLastAndDeadNodesNever() {
        #expect(self.order(replicas: [0, 1], standing: [0: .suspect, 1: .down]) == [2, 3, 4, 0])
        #expect(self.order(standing: [0: .down, 1: .down, 2: .down, 3: .down, 4: .down]) == [])
    }

    /// Against the plain rule: sort by (standing, local, replica), leave out what is not allowed.
    @Test func anyClusterIsWalkedInTheOrderOfItsClasses() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            let replicas = (0..<5).filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
            var standing: [Int: RoutingPolicy.Standing] = [:]
            for node in 0..<5 { standing[node] = [.ready, .suspect, .down].randomElement(using: &random) }
            let remote = Bool.random(using: &random)
            let order = self.order(
                replicas: replicas,
                turn: Int.random(in: 0..<1000, using: &random),
                remote: remote,
                standing: standing
            )
            func rank(_ node: Int) -> Int {
                let away = node < 3 ? 0 : 2
                return (standing[node] == .ready ? 0 : 10) + away + (replicas.contains(node) ? 0 : 1)
            }
            let expected = (0..<5).filter { standing[$0] != .down && (remote || $0 < 3) }
            #expect(order.sorted() == expected)
            #expect(order.map(rank) == order.map(rank).sorted())
        }
    }
}
