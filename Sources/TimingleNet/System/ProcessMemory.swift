internal import CLinux
internal import Glibc

/// What the process does with memory that it has freed.
package enum ProcessMemory {
    /// Keeps up to `bytes` of freed memory per arena of the allocator instead of handing it back at once.
    ///
    /// Once, before threads begin. A turn frees what it sent, often some 100 KiB; by default glibc gives that back to
    /// the kernel at the end of each turn (128 KiB, mallopt(3)) and takes page faults for it in the next.
    package static func keepFreed(bytes: Int) {
        mallopt(M_TRIM_THRESHOLD, CInt(clamping: bytes))
    }
}
