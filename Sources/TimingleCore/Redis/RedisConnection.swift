internal import CHiredis
internal import Glibc
internal import TimingleNet

/// What hears of a connection; called outside of hiredis, so it may drop the connection and make another.
///
/// `replyReceived` alone is called from within hiredis.
protocol RedisConnectionOwner: AnyObject {
    func connectionOpened(_ connection: RedisConnection)
    /// Answers come in the order of the commands.
    func replyReceived(_ reply: RedisReply, from connection: RedisConnection)
    /// Exactly once, last, unless the owner dropped the connection itself.
    func connectionClosed(_ reason: String, of connection: RedisConnection)
}

/// One connection for its whole life: the only owner of a `redisAsyncContext`.
///
/// Loop-confined. hiredis calls our hooks from within its own functions; the context is freed by hiredis or by
/// `settle`, never while one of its functions is on the stack.
final class RedisConnection: ReadinessHandler, TurnEndHandler {
    private let loop: EventLoop
    private weak var owner: (any RedisConnectionOwner)?
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var registration: RegistrationID?
    private var interest: Interest = []
    private var isConnected = false
    private var openedUnreported = false
    private var isFlushing = false
    private var flushIsAsked = false
    private var dropIsAsked = false
    private var isInside = false
    private var endIsReported = false
    private var reason = "the connection was closed"

    /// Begins to connect to `address`, an IP literal.
    init(address: String, port: UInt16, loop: EventLoop, owner: any RedisConnectionOwner) throws(RedisError) {
        self.loop = loop
        self.owner = owner
        _ = ignoreBrokenPipes
        guard let context = redisAsyncConnect(address, CInt(port)) else {
            throw RedisError(.unavailable, "hiredis has no memory")
        }
        guard context.pointee.err == 0 else {
            let text = Self.errorText(context)
            redisAsyncFree(context)
            throw RedisError(.unavailable, text)
        }
        let fd = context.pointee.c.fd
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        do throws(SystemError) {
            self.registration = try loop.register(fd, interest: [], handler: self)
        } catch {
            redisAsyncFree(context)
            throw RedisError(.unavailable, "\(error)")
        }
        self.context = context
        self.install(on: context)
        self.setInterest(.write)
    }

    /// Appends one encoded command; false when the connection is already ending.
    func send(_ command: [UInt8]) -> Bool {
        guard let context = self.context, !self.dropIsAsked else { return false }
        // SAFETY: hiredis copies the command's bytes before it returns.
        return command.withUnsafeBytes { bytes in
            redisAsyncFormattedCommand(
                context,
                replyArrivedHook,
                nil,
                bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                bytes.count
            )
        } == REDIS_OK
    }

    /// Ends the connection without telling the owner.
    func drop() {
        self.owner = nil
        self.dropIsAsked = true
        if !self.isInside { self.settle() }
    }

    // MARK: Readiness

    func descriptorReady(_ readiness: Readiness) {
        self.inside {
            if let context = self.context, !readiness.isDisjoint(with: [.readable, .readClosed, .failed]) {
                redisAsyncHandleRead(context)
            }
            if let context = self.context, readiness.contains(.writable) { redisAsyncHandleWrite(context) }
        }
        self.settle()
    }

    func turnEnded() {
        self.flushIsAsked = false
        self.isFlushing = true
        self.inside {
            if let context = self.context { redisAsyncHandleWrite(context) }
        }
        self.isFlushing = false
        self.settle()
    }

    private func inside(_ body: () -> Void) {
        self.isInside = true
        body()
        self.isInside = false
    }

    /// What had to wait until hiredis was off the stack.
    private func settle() {
        if self.openedUnreported, self.context != nil {
            self.openedUnreported = false
            self.owner?.connectionOpened(self)
        }
        if self.dropIsAsked, let context = self.context {
            self.inside { redisAsyncFree(context) }
        }
        if self.context == nil, !self.endIsReported {
            self.endIsReported = true
            self.owner?.connectionClosed(self.reason, of: self)
        }
    }

    // MARK: Called by hiredis

    private func install(on context: UnsafeMutablePointer<redisAsyncContext>) {
        // SAFETY: the retained reference is released by the cleanup hook, which hiredis calls exactly once, before it
        // frees the context. RedisClientTests kills, pauses and restarts the server around it.
        context.pointee.ev.data = Unmanaged.passRetained(self).toOpaque()
        context.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        context.pointee.ev.addRead = { hook(of: $0)?.wantsRead() }
        context.pointee.ev.delRead = { hook(of: $0)?.wantsNoRead() }
        context.pointee.ev.addWrite = { hook(of: $0)?.wantsWrite() }
        context.pointee.ev.delWrite = { hook(of: $0)?.wantsNoWrite() }
        context.pointee.ev.cleanup = { data in
            guard let data else { return }
            // SAFETY: balances `passRetained` above.
            Unmanaged<RedisConnection>.fromOpaque(data).takeRetainedValue().contextEnds()
        }
        redisAsyncSetConnectCallback(context) { context, status in
            guard status == REDIS_OK, let data = context?.pointee.data else { return }
            // SAFETY: as in `send`.
            Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue().connected()
        }
    }

    fileprivate func wantsRead() { self.setInterest(self.interest.union(.read)) }
    fileprivate func wantsNoRead() { self.setInterest(self.interest.subtracting(.read)) }
    fileprivate func wantsNoWrite() { self.setInterest(self.interest.subtracting(.write)) }

    /// All commands of a turn go out in one write at its end; epoll is asked only when the kernel's buffer is full.
    fileprivate func wantsWrite() {
        if self.isFlushing || !self.isConnected {
            self.setInterest(self.interest.union(.write))
        } else if !self.flushIsAsked {
            self.flushIsAsked = true
            self.loop.atTurnEnd(self)
        }
    }

    private func connected() {
        self.isConnected = true
        self.openedUnreported = true
    }

    fileprivate func replyArrived(_ raw: UnsafeMutableRawPointer?) {
        // A null reply says that the context is going; the owner fails what is under way when it hears of the end.
        guard let raw else { return }
        // SAFETY: hiredis hands its default reply objects and frees them after the callback; everything is copied.
        let reply = RedisReply(copying: raw.assumingMemoryBound(to: redisReply.self))
        self.owner?.replyReceived(reply, from: self)
    }

    fileprivate func contextEnds() {
        if let context = self.context, context.pointee.err != 0 { self.reason = Self.errorText(context) }
        if let registration = self.registration {
            self.registration = nil
            try? self.loop.deregister(registration)
        }
        self.context = nil
    }

    private func setInterest(_ interest: Interest) {
        guard interest != self.interest, let registration = self.registration else { return }
        do throws(SystemError) {
            try self.loop.setInterest(interest, of: registration)
            self.interest = interest
        } catch {
            // Without interest the connection is deaf: the command's deadline drops it.
            self.reason = "\(error)"
        }
    }

    private static func errorText(_ context: UnsafeMutablePointer<redisAsyncContext>) -> String {
        guard let text = context.pointee.errstr, text.pointee != 0 else { return "connection failed" }
        return String(cString: text)
    }
}

/// The connection behind an event hook.
private func hook(of data: UnsafeMutableRawPointer?) -> RedisConnection? {
    // SAFETY: `ev.data` holds a retained connection until the cleanup hook ran, and hiredis calls no hook after it.
    data.map { Unmanaged<RedisConnection>.fromOpaque($0).takeUnretainedValue() }
}

/// The callback of every command.
private func replyArrivedHook(
    _ context: UnsafeMutablePointer<redisAsyncContext>?,
    _ reply: UnsafeMutableRawPointer?,
    _ privateData: UnsafeMutableRawPointer?
) {
    guard let data = context?.pointee.data else { return }
    // SAFETY: `data` is the unretained connection that owns this context; `ev.data` keeps it alive until the cleanup
    // hook, after which hiredis answers nobody.
    Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue().replyArrived(reply)
}

/// hiredis 0.14 writes by write(2), so a connection that the server closed would end the process by SIGPIPE.
private let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

extension RedisReply {
    /// Copies a reply; hiredis bounds the nesting at seven.
    fileprivate init(copying reply: UnsafePointer<redisReply>) {
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER:
            self = .integer(reply.pointee.integer)
        case REDIS_REPLY_STRING:
            self = .bytes(Self.bytes(reply))
        case REDIS_REPLY_STATUS:
            self = .status(String(decoding: Self.bytes(reply), as: UTF8.self))
        case REDIS_REPLY_ERROR:
            self = .error(String(decoding: Self.bytes(reply), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            // SAFETY: an array reply has `elements` pointers to replies.
            self = .array(
                (0..<reply.pointee.elements).map { index in
                    guard let element = reply.pointee.element[index] else { return .null }
                    return RedisReply(copying: element)
                }
            )
        default:
            self = .null
        }
    }

    private static func bytes(_ reply: UnsafePointer<redisReply>) -> [UInt8] {
        guard let start = reply.pointee.str else { return [] }
        // SAFETY: a string reply has `len` bytes at `str`.
        return Array(UnsafeRawBufferPointer(start: start, count: reply.pointee.len))
    }
}
