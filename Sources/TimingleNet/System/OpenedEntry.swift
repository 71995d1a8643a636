internal import Glibc

/// A descriptor that was just opened, and what it turned out to be; closed unless it is released.
struct OpenedEntry: ~Copyable {
    enum Kind {
        case file(FileStamp)
        case directory
        case other
    }

    private let fd: CInt
    let kind: Kind

    init(owning fd: CInt) throws(SystemError) {
        var status = stat()
        do throws(SystemError) {
            try Syscall.blocking("fstat") { fstat(fd, &status) }
        } catch {
            Syscall.close(fd)
            throw error
        }
        self.fd = fd
        switch status.st_mode & S_IFMT {
        case S_IFREG: self.kind = .file(FileStamp(status))
        case S_IFDIR: self.kind = .directory
        default: self.kind = .other
        }
    }

    deinit { Syscall.close(self.fd) }

    consuming func release() -> CInt {
        let fd = self.fd
        discard self
        return fd
    }
}
