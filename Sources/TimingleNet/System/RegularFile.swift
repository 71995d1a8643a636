internal import Glibc

/// An open regular file, closed when nobody holds it any more.
///
/// Any thread: its descriptor is only read from, at explicit offsets.
package final class RegularFile: Sendable {
    let fd: CInt
    /// What the file was when it was opened.
    package let stamp: FileStamp

    package var size: Int64 { self.stamp.size }

    /// Opens `path` for reading.
    ///
    /// A symbolic link in its last place (ELOOP) and what is no regular file (EINVAL) are refused.
    ///
    /// Blocks as long as the file system does.
    package convenience init(path: String) throws(SystemError) {
        let fd = try Syscall.blocking("open") { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        let opened = try OpenedEntry(owning: fd)
        guard case .file(let stamp) = opened.kind else { throw SystemError(operation: "open", code: EINVAL) }
        self.init(owning: opened.release(), stamp: stamp)
    }

    /// Takes over an open descriptor of a regular file.
    init(owning fd: CInt, stamp: FileStamp) {
        self.fd = fd
        self.stamp = stamp
    }

    deinit { Syscall.close(self.fd) }

    /// Reads from `offset` on; 0 is the end of the file.
    ///
    /// Blocks where the page is not in memory.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        while true {
            let count = pread(self.fd, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw SystemError(operation: "pread", code: errno) }
        }
    }
}
