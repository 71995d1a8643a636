internal import Dispatch
internal import Synchronization
package import TimingleNet

/// Learns after each connect which broker is in use and what its acknowledgement is worth; warns when it is little.
///
/// Any thread (Mutex). What blocks runs on one serial queue of its own. cnats 3.4.1 keeps the server's version to
/// itself, so the INFO line is read once more, over a connection of our own to the same server.
package final class NATSServerInspector: Sendable {
    private struct State {
        var facts = NATSServerFacts()
        /// Of the connect that the facts are about.
        var inspected = 0
    }

    private let connection: NATSConnection
    private let monitorURL: String?
    private let timeout: Duration
    private let retryDelay: Duration
    private let log: Log
    private let queue = DispatchQueue(label: "timingle.nats.inspector")
    private let state = Mutex(State())

    /// How often one connect is looked into.
    ///
    /// A server that has just started may not have its monitor yet, and a name may lead to several servers.
    private static let attemptsMax = 5

    package init(
        connection: NATSConnection,
        monitorURL: String?,
        timeout: Duration = .seconds(2),
        retryDelay: Duration = .seconds(1),
        log: Log
    ) {
        self.connection = connection
        self.monitorURL = monitorURL
        self.timeout = timeout
        self.retryDelay = retryDelay
        self.log = log.labelled("nats")
        connection.onConnected { [weak self] in self?.inspectLater() }
        // The connection may have been made before we listened.
        if connection.isConnected { self.inspectLater() }
    }

    /// What is known; costs a lock.
    package var facts: NATSServerFacts { self.state.withLock { $0.facts } }

    private func inspectLater() {
        self.queue.async { [weak self] in self?.inspect(attempt: 1) }
    }

    private func inspect(attempt: Int) {
        guard let server = self.connection.server else { return }
        guard self.state.withLock({ $0.inspected < server.connect }) else { return }
        let info = NATSEndpoint(url: server.url, defaultPort: 4_222)
            .flatMap { NATSServerProbe(endpoint: $0, timeout: self.timeout).info() }
            .flatMap { $0.serverID == server.id ? $0 : nil }
        let monitor = self.monitorURL
            .flatMap { NATSEndpoint(url: $0, defaultPort: 8_222) }
            .flatMap { NATSServerProbe(endpoint: $0, timeout: self.timeout).monitor() }
        let facts = info.map { NATSServerFacts(info: $0, monitor: monitor) } ?? NATSServerFacts()
        self.state.withLock { $0.facts = facts }
        let isComplete = info != nil && (self.monitorURL == nil || facts.sync != .unknown)
        guard isComplete || attempt >= Self.attemptsMax else {
            let delay = self.retryDelay.wholeMilliseconds * Int64(attempt)
            self.queue.asyncAfter(deadline: .now() + .milliseconds(Int(clamping: delay))) { [weak self] in
                self?.inspect(attempt: attempt + 1)
            }
            return
        }
        self.state.withLock { $0.inspected = server.connect }
        self.report(facts, isTooOld: info?.isTooOld ?? false)
    }

    private func report(_ facts: NATSServerFacts, isTooOld: Bool) {
        let metadata: [(key: String, value: LogValue)] = [
            ("version", .text(facts.version ?? "unknown")), ("sync", .text(facts.sync.rawValue)),
        ]
        let log = metadata.reduce(self.log) { $0.with($1.key, $1.value) }
        if isTooOld {
            log.warning(
                "THE BROKER IS TOO OLD: before nats-server 2.10.23 nothing makes it sync before it acknowledges; "
                    + "messages that people saw as sent are lost when the machine loses power"
            )
        } else if facts.sync == .interval {
            log.warning(
                "THE BROKER ACKNOWLEDGES BEFORE IT SYNCS: set sync_interval: always in its jetstream block, or "
                    + "messages that people saw as sent are lost when the machine loses power"
            )
        } else if facts.version == nil {
            log.warning("the broker's version cannot be read; what its acknowledgement is worth is unknown")
        } else if self.monitorURL != nil, facts.sync == .unknown {
            log.warning("NATS_MONITOR_URL does not tell of the broker in use; whether it syncs always is unknown")
        } else if facts.sync == .unknown {
            log.notice("whether the broker syncs always is unknown: set NATS_MONITOR_URL, or see to it yourself")
        } else {
            log.info("the broker syncs before it acknowledges")
        }
    }
}
