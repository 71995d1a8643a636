internal import CLinux
internal import Glibc

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

    package func prefix(_ count: Int) -> FileRegion {
        FileRegion(self.file, offset: self.offset, count: min(count, self.count))
    }

    /// True where its ends can be read without waiting for a disk, and so, very likely, what lies between them.
    ///
    /// Does not block.
    var isInMemory: Bool {
        guard self.count > 0 else { return true }
        let last = self.offset + Int64(self.count) - 1
        return timingle_is_in_memory(self.file.fd, off_t(last)) != 0
            && timingle_is_in_memory(self.file.fd, off_t(self.offset)) != 0
    }

    /// Brings the region into memory, and waits for its end.
    ///
    /// Blocks as long as the disk does.
    func readAhead() throws(SystemError) {
        guard self.count > 0 else { return }
        // Advice: whether it is taken does not matter to anybody.
        _ = posix_fadvise(self.file.fd, off_t(self.offset), off_t(self.count), POSIX_FADV_WILLNEED)
        var byte: UInt8 = 0
        for offset in [self.offset, self.offset + Int64(self.count) - 1] {
            var outcome: Result<Int, SystemError> = .success(0)
            withUnsafeMutableBytes(of: &byte) { buffer in
                do throws(SystemError) {
                    outcome = .success(try self.file.read(into: buffer, at: offset))
                } catch {
                    outcome = .failure(error)
                }
            }
            _ = try outcome.get()
        }
    }

    /// Reads all of it; `fileTruncated` where the file has become too short.
    ///
    /// Blocks as long as the disk does.
    func read() throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: self.count) { buffer, filled in
            while filled < self.count {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<self.count]
                )
                do throws(SystemError) {
                    let count = try self.file.read(into: rest, at: self.offset + Int64(filled))
                    guard count > 0 else { throw .fileTruncated }
                    filled += count
                } catch {
                    failure = error
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

extension SystemError {
    /// The file was cut short after its length was announced.
    package static let fileTruncated = SystemError(operation: "sendfile", code: EIO)
}
