internal import CLinux
internal import Glibc

/// Owner of an eventfd: how another thread wakes a loop from its wait.
struct EventDescriptor: ~Copyable, Sendable {
    let fd: CInt

    init() throws(SystemError) {
        self.fd = try Syscall.blocking("eventfd") { eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK)) }
    }

    deinit { Syscall.close(self.fd) }

    /// Makes the descriptor readable, which an edge-triggered registration hears of each time.
    ///
    /// Any thread. It stays so: a counter that nobody reads needs no system call.
    func signal() {
        // The counter cannot overflow in a process' life, so EAGAIN cannot come; the result needs no look.
        _ = eventfd_write(self.fd, 1)
    }
}
