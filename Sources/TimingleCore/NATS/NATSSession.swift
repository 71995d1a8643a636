internal import CNats

/// One `natsConnection` of cnats with its subscriptions: the only place where its pointers are.
// SAFETY: used on the serial queue of one NATSConnection only, which never hands it out. NATSConnectionTests covers it.
final class NATSSession: @unchecked Sendable {
    /// What cnats tells of the connection, on threads of its own.
    enum Event: Sendable {
        case connected, disconnected, closed
    }

    private var connection: OpaquePointer?
    private var subscriptions: [OpaquePointer] = []
    private let sink: Unmanaged<EventBox>

    /// Connects; with the server away cnats goes on trying, and the session is there already.
    init(
        configuration: NATSConfiguration,
        onEvent: @escaping @Sendable (Event) -> Void
    ) throws(NATSError) {
        // cnats may call with this pointer until after the connection is gone, so the small box is never released.
        self.sink = Unmanaged.passRetained(EventBox(onEvent))
        var options: OpaquePointer?
        try Self.check(natsOptions_Create(&options), "options")
        defer { natsOptions_Destroy(options) }
        try Self.fill(options, configuration, closure: self.sink.toOpaque())
        let status = natsConnection_Connect(&self.connection, options)
        if status == NATS_OK {
            onEvent(.connected)
        } else if status != NATS_NOT_YET_CONNECTED {
            natsConnection_Destroy(self.connection)
            self.connection = nil
            throw Self.error(status, "connect")
        }
    }

    var isConnected: Bool {
        self.connection != nil && natsConnection_Status(self.connection) == NATS_CONN_STATUS_CONNECTED
    }

    /// The URL and the id of the server in use.
    var server: (url: String, id: String)? {
        guard self.connection != nil else { return nil }
        func text(_ read: (UnsafeMutablePointer<CChar>?, Int) -> natsStatus) -> String? {
            // SAFETY: cnats writes a terminated text within the given size, or fails.
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1_024) { buffer in
                guard let base = buffer.baseAddress, read(base, buffer.count) == NATS_OK else { return nil }
                return String(cString: base)
            }
        }
        let url = text { natsConnection_GetConnectedUrl(self.connection, $0, $1) }
        let id = text { natsConnection_GetConnectedServerId(self.connection, $0, $1) }
        guard let url, let id else { return nil }
        return (url, id)
    }

    /// Hands the message to cnats, which writes it at once; nil when it did.
    func publish(_ outgoing: NATSOutgoing) -> NATSError? {
        var message: OpaquePointer?
        // SAFETY: cnats copies subject, reply and payload before it returns.
        let created = outgoing.payload.withUnsafeBytes { bytes in
            natsMsg_Create(
                &message,
                outgoing.subject,
                outgoing.reply,
                bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                CInt(bytes.count)
            )
        }
        guard created == NATS_OK else { return Self.error(created, "message") }
        defer { natsMsg_Destroy(message) }
        for (name, value) in outgoing.headers {
            let status = natsMsgHeader_Set(message, name, value)
            guard status == NATS_OK else { return Self.error(status, "header") }
        }
        let status = natsConnection_PublishMsg(self.connection, message)
        return status == NATS_OK ? nil : Self.error(status, "publish")
    }

    /// Subscribes; `box` is called on cnats' delivery threads.
    func subscribe(_ subject: String, _ box: NATSSubscriptionBox) throws(NATSError) {
        var subscription: OpaquePointer?
        // As with the connection's box: cnats may still hold the pointer after the end, so it is never released. What
        // the box holds is let go of by `NATSSubscriptionBox.close`.
        let closure = Unmanaged.passRetained(box).toOpaque()
        try Self.check(
            natsConnection_Subscribe(&subscription, self.connection, subject, messageArrivedHook, closure),
            "subscribe"
        )
        guard let subscription else { return }
        // Our callback copies and leaves; the limit is against a stalled process.
        natsSubscription_SetPendingLimits(subscription, 262_144, 256 << 20)
        self.subscriptions.append(subscription)
    }

    /// Waits up to `timeout` until the server has everything.
    func flush(timeout: Duration) {
        guard self.isConnected else { return }
        _ = natsConnection_FlushTimeout(self.connection, max(1, timeout.wholeMilliseconds))
    }

    /// Closes the connection; `closed` follows on a thread of cnats, then `free` may be called.
    func close() { natsConnection_Close(self.connection) }

    func free() {
        for subscription in self.subscriptions { natsSubscription_Destroy(subscription) }
        self.subscriptions = []
        natsConnection_Destroy(self.connection)
        self.connection = nil
    }

    // MARK: Options

    private static func fill(
        _ options: OpaquePointer?,
        _ configuration: NATSConfiguration,
        closure: UnsafeMutableRawPointer
    ) throws(NATSError) {
        try self.setServers(options, configuration.url)
        try self.check(natsOptions_SetName(options, configuration.name), "name")
        try self.check(natsOptions_SetTimeout(options, configuration.connectTimeout.wholeMilliseconds), "timeout")
        try self.check(natsOptions_SetPingInterval(options, configuration.pingInterval.wholeMilliseconds), "ping")
        try self.check(natsOptions_SetMaxPingsOut(options, CInt(configuration.pingsOutMax)), "pings")
        try self.check(natsOptions_UseGlobalMessageDelivery(options, true), "delivery")
        // The writing queue gathers; a delay of the flusher thread would only add to each acknowledgement.
        try self.check(natsOptions_SetSendAsap(options, true), "send")
        try self.check(natsOptions_SetNoEcho(options, true), "echo")
        try self.check(natsOptions_SetMaxReconnect(options, -1), "reconnects")
        // Nothing is kept for a connection that is away: whoever sends learns it at once.
        try self.check(natsOptions_SetReconnectBufSize(options, 1), "buffer")
        BackoffRange.store(min: configuration.reconnectDelayMin, max: configuration.reconnectDelayMax)
        try self.check(natsOptions_SetCustomReconnectDelay(options, reconnectDelayHook, nil), "back-off")
        try self.check(natsOptions_SetRetryOnFailedConnect(options, true, connectedHook, closure), "retry")
        try self.check(natsOptions_SetReconnectedCB(options, connectedHook, closure), "reconnected")
        try self.check(natsOptions_SetDisconnectedCB(options, disconnectedHook, closure), "disconnected")
        try self.check(natsOptions_SetClosedCB(options, closedHook, closure), "closed")
        // Without a handler cnats writes to the standard error stream.
        try self.check(natsOptions_SetErrorHandler(options, { _, _, _, _ in }, nil), "errors")
    }

    private static func setServers(_ options: OpaquePointer?, _ url: String) throws(NATSError) {
        let parts = url.split(separator: ",").map(String.init)
        guard let first = parts.first else { throw NATSError(.library, "no NATS URL") }
        guard parts.count > 1 else { return try self.check(natsOptions_SetURL(options, first), "URL") }
        let copies = parts.map { part in
            part.utf8CString.withUnsafeBufferPointer { source in
                let copy = UnsafeMutablePointer<CChar>.allocate(capacity: source.count)
                copy.initialize(from: source.baseAddress.unsafelyUnwrapped, count: source.count)
                return copy
            }
        }
        defer { for copy in copies { copy.deallocate() } }
        var pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) }
        try self.check(natsOptions_SetServers(options, &pointers, CInt(parts.count)), "URLs")
    }

    private static func check(_ status: natsStatus, _ what: String) throws(NATSError) {
        guard status == NATS_OK else { throw self.error(status, what) }
    }

    private static func error(_ status: natsStatus, _ what: String) -> NATSError {
        let text = natsStatus_GetText(status).map { String(cString: $0) } ?? "status \(status.rawValue)"
        switch status {
        case NATS_INSUFFICIENT_BUFFER, NATS_CONNECTION_DISCONNECTED, NATS_NO_SERVER, NATS_CONNECTION_CLOSED:
            return NATSError(.disconnected, "\(what): \(text)")
        default:
            return NATSError(.library, "\(what): \(text)")
        }
    }
}
