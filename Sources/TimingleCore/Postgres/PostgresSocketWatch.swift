internal import TimingleNet

/// Watches libpq's socket of the moment through a duplicate, so that libpq may close its own at any time.
///
/// Loop-confined.
final class PostgresSocketWatch {
    private let loop: EventLoop
    private let log: Log
    private var socket: PostgresSocket?
    private var registration: RegistrationID?
    private var interest: Interest = .read

    init(loop: EventLoop, log: Log) {
        self.loop = loop
        self.log = log
    }

    /// Starts to watch `fd`; whatever was watched before must have been ended.
    func begin(_ fd: CInt, interest: Interest, handler: any ReadinessHandler) throws(PostgresError) {
        precondition(self.registration == nil, "two sockets watched at once")
        self.socket = PostgresSocket(duplicating: fd)
        guard let copy = self.socket?.fd else {
            throw PostgresError(.connectionFailed, "no socket, or no descriptor left to watch it")
        }
        do {
            self.registration = try self.loop.register(copy, interest: interest, handler: handler)
            self.interest = interest
        } catch {
            throw PostgresError(.connectionFailed, error.description)
        }
    }

    func want(_ interest: Interest) throws(PostgresError) {
        guard interest != self.interest, let registration = self.registration else { return }
        do {
            try self.loop.setInterest(interest, of: registration)
            self.interest = interest
        } catch {
            throw PostgresError(.connectionLost, error.description)
        }
    }

    /// Stops watching and closes the duplicate.
    ///
    /// Doing it twice is harmless.
    func end() {
        if let registration = self.registration {
            do {
                try self.loop.deregister(registration)
            } catch {
                self.log.warning("deregistering a connection failed", ["error": .text(error.description)])
            }
        }
        self.registration = nil
        self.socket = nil
    }
}
