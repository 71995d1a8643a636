internal import Synchronization
package import TimingleNet

/// Sees to it that the streams are there: at the start, and again after each reconnect.
///
/// Any thread (Mutex). A broker may come back empty.
package final class JetStreamProvisioner: Sendable {
    private struct State {
        var isReady = false
        var isStopped = false
        /// Tells a round that was overtaken from the one that counts.
        var round = 0
        var running: Task<Void, Never>?
    }

    private let client: JetStreamClient
    private let streams: [JetStreamStreamSettings]
    private let loop: EventLoop
    private let state = Mutex(State())

    package init(client: JetStreamClient, streams: [JetStreamStreamSettings], loop: EventLoop) {
        self.client = client
        self.streams = streams
        self.loop = loop
    }

    /// True from the moment when all streams were seen or made to the next reconnect.
    package var isReady: Bool { self.state.withLock { $0.isReady } }

    /// Begins, and returns at once; tries again until the broker is there.
    package func start() {
        self.client.connection.onConnected { [weak self] in self?.ensure() }
        self.ensure()
    }

    /// Ends the tries; before the loops end.
    package func stop() {
        let running = self.state.withLock { state in
            state.isStopped = true
            return state.running
        }
        running?.cancel()
    }

    private func ensure() {
        let overtaken = self.state.withLock { state -> Task<Void, Never>? in
            guard !state.isStopped else { return nil }
            let overtaken = state.running
            state.isReady = false
            state.round += 1
            let round = state.round
            state.running = Task(executorPreference: self.loop) {
                guard (try? await self.client.ensureStreams(self.streams)) != nil else { return }
                self.state.withLock { state in
                    if state.round == round { state.isReady = true }
                }
            }
            return overtaken
        }
        overtaken?.cancel()
    }
}
