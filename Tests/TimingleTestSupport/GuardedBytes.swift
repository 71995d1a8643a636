internal import Glibc

/// Bytes whose end is the end of what may be touched: one byte further is a crash, not a wrong answer.
package enum GuardedBytes {
    /// Calls `body` with a copy of `bytes` that ends at a page without access; nil when the system gives no memory.
    package static func with<Result>(
        _ bytes: [UInt8],
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        let page = Int(sysconf(CInt(_SC_PAGESIZE)))
        let pages = (bytes.count + page - 1) / page
        let total = (pages + 1) * page
        guard let base = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else { return nil }
        defer { munmap(base, total) }
        guard mprotect(base + pages * page, page, PROT_NONE) == 0 else { return nil }
        let start = base + (pages * page - bytes.count)
        start.copyMemory(from: bytes, byteCount: bytes.count)
        return try body(UnsafeMutableRawBufferPointer(start: start, count: bytes.count))
    }
}
