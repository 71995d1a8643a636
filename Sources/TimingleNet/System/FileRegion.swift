internal import CLinux
internal import Glibc

/// An open regular file, closed when nobody holds it any more.
///
/// Any thread: its descriptor is only read from, at explicit offsets.
package final class RegularFile: Sendable {
    let fd: CInt
    /// Bytes, when it was opened.
    package let size: Int64
    /// Seconds since 1970 of the last modification, when it was opened.
    package let modifiedUnixSeconds: Int64

    /// Opens `path` for reading.
    ///
    /// A symbolic link in its last place (ELOOP) and what is no regular file (EINVAL) are refused.
    ///
    /// Blocks as long as the file system does.
    package init(path: String) throws(SystemError) {
        let fd = try Syscall.blocking("open") { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        var status = stat()
        do throws(SystemError) {
            try Syscall.blocking("fstat") { fstat(fd, &status) }
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(operation: "open", code: EINVAL) }
        } catch {
            Syscall.close(fd)
            throw error
        }
        self.fd = fd
        self.size = Int64(status.st_size)
        self.modifiedUnixSeconds = Int64(status.st_mtim.tv_sec)
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

/// A part of an open file.
///
/// A value.
package struct FileRegion: Sendable {
    package let file: RegularFile
    package private(set) var offset: Int64
    package private(set) var count: Int

    package init(_ file: RegularFile, offset: Int64, count: Int) {
        precondition(offset >= 0 && count >= 0, "a region lies in its file")
        self.file = file
        self.offset = offset
        self.count = count
    }

    package func dropFirst(_ count: Int) -> FileRegion {
        FileRegion(self.file, offset: self.offset + Int64(count), count: self.count - count)
    }
}

extension SystemError {
    /// The file was cut short after its length was announced.
    package static let fileTruncated = SystemError(operation: "sendfile", code: EIO)
}
