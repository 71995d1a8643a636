internal import CNats
internal import Dispatch
internal import Synchronization
package import TimingleNet

/// The process's connection to NATS: publishes, subscribes, asks and waits for answers.
///
/// Any thread (Mutex). What may block in cnats (connect, write, flush, close) runs on one serial queue; messages to
/// send are gathered and handed over in batches. Comes up and stays up with the server away, and heals by itself. While
/// it is away every send fails at once.
package final class NATSConnection: Sendable {
    private struct Outgoing {
        var items: [(message: NATSOutgoing, failed: (@Sendable (NATSError) -> Void)?)] = []
        var bytes = 0
        var isScheduled = false
    }

    private struct State {
        var session: NATSSession?
        var isConnected = false
        var isClosing = false
        var connects = 0
        var attempts = 0
        var subscriptions: [(subject: String, box: NATSSubscriptionBox)] = []
        var listeners: [@Sendable () -> Void] = []
        var closed: CheckedContinuation<Void, Never>?
        var server: Server?
    }

    /// The server that the connection was last made to.
    struct Server: Sendable {
        /// May hold credentials.
        let url: String
        let id: String
        /// Which connect of ours led to it.
        let connect: Int
    }

    package let configuration: NATSConfiguration
    private let log: Log
    private let queue = DispatchQueue(label: "timingle.nats")
    private let outgoing = Mutex(Outgoing())
    private let state = Mutex(State())
    private let requests: NATSRequests
    private let inbox: String

    /// Begins to connect and returns at once.
    package init(configuration: NATSConfiguration, log: Log) {
        self.configuration = configuration
        self.log = log.labelled("nats")
        self.requests = NATSRequests(countMax: configuration.waitersMax)
        self.inbox = "_INBOX.\(IdentifierText.random())"
        _ = librariesAreOpen
        let requests = self.requests
        self.subscribe("\(self.inbox).*") { message in
            guard let token = message.subject.split(separator: ".").last.flatMap({ UInt64($0) }) else { return }
            requests.answer(token: token, .success(message))
        }
        self.queue.async { self.connect() }
    }

    package var isConnected: Bool { self.state.withLock { $0.isConnected } }

    /// How often the connection was made; grows with each reconnect.
    package var connectCount: Int { self.state.withLock { $0.connects } }

    /// Where the connection leads; nil while there is none.
    var server: Server? { self.state.withLock { $0.isConnected ? $0.server : nil } }

    /// A prefix under which a subscriber may receive answers of its own.
    package func makeInbox() -> String { "_INBOX.\(IdentifierText.random())" }

    /// Calls `listener` on a thread of cnats each time the connection has been made.
    package func onConnected(_ listener: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.listeners.append(listener) }
    }

    // MARK: Sending

    /// Sends; `failed` is called (on the writing queue) when the message certainly was not sent.
    package func publish(_ message: NATSOutgoing, failed: (@Sendable (NATSError) -> Void)? = nil) {
        guard self.isConnected else {
            failed?(.disconnected)
            return
        }
        let verdict = self.outgoing.withLock { outgoing -> Bool? in
            guard
                outgoing.items.count < self.configuration.outgoingCountMax,
                outgoing.bytes + message.cost <= self.configuration.outgoingBytesMax
            else { return nil }
            outgoing.items.append((message, failed))
            outgoing.bytes += message.cost
            defer { outgoing.isScheduled = true }
            return !outgoing.isScheduled
        }
        switch verdict {
        case nil: failed?(NATSError(.overloaded, "too much waits to be sent"))
        case true?: self.queue.async { self.writeOutgoing() }
        case false?: break
        }
    }

    /// Sends and waits for one answer.
    package func request(
        _ subject: String,
        _ payload: [UInt8] = [],
        headers: [(name: String, value: String)] = [],
        timeout: Duration
    ) async throws(NATSError) -> NATSMessage {
        let answer: NATSRequests.Answer = await withCheckedContinuation { continuation in
            let token = self.requests.add(timeout: timeout) { continuation.resume(returning: $0) }
            guard let token else { return }
            let message = NATSOutgoing(
                subject: subject,
                reply: "\(self.inbox).\(token)",
                payload: payload,
                headers: headers
            )
            let requests = self.requests
            self.publish(message) { requests.answer(token: token, .failure($0)) }
        }
        let message = try answer.get()
        guard message.status != 503 else { throw NATSError(.noResponders, "nobody listens on \(subject)") }
        return message
    }

    private func writeOutgoing() {
        let items = self.outgoing.withLock { outgoing in
            defer { outgoing = Outgoing() }
            return outgoing.items
        }
        guard let session = self.state.withLock({ $0.session }), session.isConnected else {
            for item in items { item.failed?(.disconnected) }
            return
        }
        for item in items {
            if let error = session.publish(item.message) { item.failed?(error) }
        }
    }

    // MARK: Receiving

    /// Calls `handler` on a thread of cnats for each message; it must copy, hand over and leave.
    ///
    /// Survives reconnects; ends with the connection.
    package func subscribe(_ subject: String, _ handler: @escaping @Sendable (NATSMessage) -> Void) {
        let box = NATSSubscriptionBox(handler)
        self.queue.async {
            // On the queue on which `connect` runs: either it finds the entry or we find its session, never both.
            let session = self.state.withLock { state -> NATSSession? in
                guard !state.isClosing else { return nil }
                state.subscriptions.append((subject, box))
                return state.session
            }
            if let session { self.subscribe(session, subject, box) }
        }
    }

    private func subscribe(_ session: NATSSession, _ subject: String, _ box: NATSSubscriptionBox) {
        do throws(NATSError) {
            try session.subscribe(subject, box)
        } catch {
            self.log.error("NATS subscription failed", ["subject": "\(subject)", "error": "\(error)"])
        }
    }

    // MARK: Life

    private func connect() {
        guard !self.state.withLock({ $0.isClosing }) else { return }
        do throws(NATSError) {
            let session = try NATSSession(configuration: self.configuration) { [weak self] event in
                self?.sessionChanged(event)
            }
            let subscriptions = self.state.withLock { state in
                state.session = session
                return state.subscriptions
            }
            for (subject, box) in subscriptions { self.subscribe(session, subject, box) }
            if session.isConnected {
                self.becameConnected()
            } else {
                self.log.warning("NATS is away; trying on", ["url": "\(self.configuration.shownURL)"])
            }
        } catch {
            self.log.warning("NATS connect failed", ["error": "\(error)"])
            self.connectLater()
        }
    }

    private func connectLater() {
        let attempt = self.state.withLock { state in
            state.attempts += 1
            return state.attempts
        }
        let delay = BackoffRange.milliseconds(attempt: attempt)
        self.queue.asyncAfter(deadline: .now() + .milliseconds(Int(delay))) { [weak self] in self?.connect() }
    }

    private func sessionChanged(_ event: NATSSession.Event) {
        switch event {
        case .connected:
            // On the writing queue, after `connect` has stored the session.
            self.queue.async { self.becameConnected() }
        case .disconnected:
            let (was, isClosing) = self.state.withLock { state in
                defer { state.isConnected = false }
                return (state.isConnected, state.isClosing)
            }
            if was, !isClosing { self.log.warning("NATS connection lost") }
        case .closed:
            self.queue.async { self.sessionClosed() }
        }
    }

    private func becameConnected() {
        let listeners = self.state.withLock { state -> [@Sendable () -> Void]? in
            guard let session = state.session, session.isConnected, !state.isConnected else { return nil }
            state.isConnected = true
            state.connects += 1
            state.attempts = 0
            state.server = session.server.map { Server(url: $0.url, id: $0.id, connect: state.connects) }
            return state.listeners
        }
        guard let listeners else { return }
        self.log.info("NATS connected", ["url": "\(self.configuration.shownURL)"])
        for listener in listeners { listener() }
    }

    /// The session ended: by our wish, or because cnats gave up (the same refusal twice), then another one is made.
    private func sessionClosed() {
        let (session, isClosing, closed) = self.state.withLock { state in
            defer {
                state.session = nil
                state.isConnected = false
                state.closed = nil
            }
            return (state.session, state.isClosing, state.closed)
        }
        session?.free()
        if isClosing { closed?.resume() } else { self.connectLater() }
    }

    /// Sends what waits, closes, and fails whoever still waits for an answer.
    package func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            self.queue.async {
                self.writeOutgoing()
                let (session, isFirst) = self.state.withLock { state in
                    defer { state.isClosing = true }
                    return (state.session, !state.isClosing)
                }
                guard let session, isFirst else { return continuation.resume() }
                session.flush(timeout: .seconds(1))
                self.state.withLock { $0.closed = continuation }
                session.close()
            }
        }
        self.requests.failAll(NATSError(.closed, "the connection was closed"), closing: true)
        let boxes = self.state.withLock { state in
            state.listeners = []
            return state.subscriptions.map(\.box)
        }
        for box in boxes { box.close() }
    }
}

/// Names that nobody else has.
enum IdentifierText {
    static func random() -> String {
        String(SecureRandom.word(), radix: 36) + String(SecureRandom.word(), radix: 36)
    }
}

/// Initialises cnats once for the process.
private let librariesAreOpen: Bool = nats_Open(-1) == NATS_OK
