internal import Synchronization
internal import TimingleNet

/// Tells operators when a node is lost and when it is back: once, however many loops and connections notice.
///
/// Any thread (Mutex). A node is up while some loop has a connection to it. All else, such as each vain attempt to
/// connect, is for who looks for it, at level debug.
final class NodeJournal: Sendable {
    private struct Entry {
        /// Pools that have a connection.
        var poolCount = 0
        /// What was told last.
        var isUp: Bool?
    }

    private struct State {
        var nodes: [SocketAddress: Entry] = [:]
        /// That nobody could be asked was told.
        var isLost = false
        /// How often in a row nobody could be asked.
        var failures = 0
        var hasLearned = false
    }

    private let state = Mutex(State())
    private let log: Log
    /// Where to look, in the words of whoever configured the client.
    private let advice: @Sendable (CQLError) -> String?

    init(log: Log, advice: @escaping @Sendable (CQLError) -> String? = { _ in nil }) {
        self.log = log
        self.advice = advice
    }

    // MARK: A loop's pool for a node

    /// The pool had no connection, and has one now.
    func connected(_ node: SocketAddress) {
        let former = self.change(node) { entry in
            entry.poolCount += 1
            defer { entry.isUp = true }
            return entry.isUp
        }
        guard former != true else { return }
        self.log.info(former == nil ? "cql node is up" : "cql node is up again", ["node": .text("\(node)")])
    }

    /// A connection ended, or did not come up; `wasLast` when the pool had no other one.
    func failed(_ node: SocketAddress, _ error: CQLError, wasLast: Bool) {
        let isNews = self.change(node) { entry in
            if wasLast { entry.poolCount -= 1 }
            guard entry.poolCount == 0, entry.isUp != false else { return false }
            entry.isUp = false
            return true
        }
        self.tell(isNews, "cql node is down", "cql connection ended", node, error)
    }

    /// The pool ended, and will not be back; `hadConnection` when it was one of those that had.
    func ended(_ node: SocketAddress, hadConnection: Bool) {
        self.state.withLock { state in
            if hadConnection { state.nodes[node]?.poolCount -= 1 }
            if state.nodes[node]?.poolCount == 0 { state.nodes[node] = nil }
        }
    }

    // MARK: The control connection

    /// Its connection ended; another node is asked.
    func controlEnded(_ node: SocketAddress?, _ error: CQLError) {
        self.tell(false, "", "cql control connection ended", node, error)
    }

    /// No node could be asked what the cluster is.
    ///
    /// Where that is because they are down, that was told; so only what goes on although some are up is news.
    func nobodyAnswered(_ error: CQLError) {
        let isNews = self.state.withLock { state in
            state.failures += 1
            let isDown = state.hasLearned && !state.nodes.values.contains { $0.poolCount > 0 }
            guard !state.isLost, !isDown, !state.hasLearned || state.failures > 2 else { return false }
            state.isLost = true
            return true
        }
        self.tell(isNews, "cql cluster cannot be reached", "cql cluster was not reached", nil, error)
    }

    /// The tables of a node were read.
    func learned() {
        let wasLost = self.state.withLock { state in
            defer { (state.isLost, state.failures, state.hasLearned) = (false, 0, true) }
            return state.isLost
        }
        if wasLost { self.log.info("cql cluster is reached") }
    }

    // MARK: Inside

    private func change<Value>(_ node: SocketAddress, _ body: (inout Entry) -> Value) -> Value {
        self.state.withLock { body(&$0.nodes[node, default: Entry()]) }
    }

    private func tell(_ isNews: Bool, _ news: String, _ detail: String, _ node: SocketAddress?, _ error: CQLError) {
        guard isNews || self.log.level == .debug else { return }
        var log = self.log
        if let node { log = log.with("node", .text("\(node)")) }
        guard isNews else { return log.debug(detail, ["reason": .text(error.description)]) }
        if let advice = self.advice(error) { log = log.with("see", .text(advice)) }
        log.warning(news, ["reason": .text(error.description)])
    }
}
