internal import Glibc

/// Which file, and in which state: another content has another stamp.
///
/// A value.
package struct FileStamp: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    package var size: Int64
    /// Since 1970: of the last change of the content, as far as whoever wrote it tells the truth.
    package var modifiedNanoseconds: Int64
    /// Since 1970: of the last change of anything, which nobody can set.
    package var changedNanoseconds: Int64

    /// Not before 1970: no HTTP date has to tell of that.
    package var modifiedUnixSeconds: Int64 {
        max(0, self.modifiedNanoseconds) / 1_000_000_000
    }
}

extension FileStamp {
    init(_ status: stat) {
        self.device = UInt64(status.st_dev)
        self.inode = UInt64(status.st_ino)
        self.size = Int64(status.st_size)
        self.modifiedNanoseconds = Self.nanoseconds(status.st_mtim)
        self.changedNanoseconds = Self.nanoseconds(status.st_ctim)
    }

    /// A time that is out of reach, which a file may have been given, counts as the last one within it.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (product, overflows) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carries) = product.addingReportingOverflow(Int64(time.tv_nsec))
        return overflows || carries ? (time.tv_sec < 0 ? .min : .max) : sum
    }
}
