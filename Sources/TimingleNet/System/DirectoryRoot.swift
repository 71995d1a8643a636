internal import CLinux
internal import Glibc
internal import Synchronization

/// A directory that was opened once, and below which files are opened: nothing leads out of it.
///
/// Any thread.
package final class DirectoryRoot: Sendable {
    package enum Entry {
        case file(RegularFile)
        case directory
    }

    private let fd: CInt
    /// False once the kernel, or who filters its calls, has turned out not to know openat2(2).
    private let resolvesBeneath: Atomic<Bool>

    /// Opens the directory; links in `path` itself are followed.
    ///
    /// `resolvesBeneath` is for tests: false does without openat2(2), as before Linux 5.6.
    package init(path: String, resolvesBeneath: Bool = true) throws(SystemError) {
        self.fd = try Syscall.blocking("open") {
            Glibc.open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        }
        self.resolvesBeneath = Atomic(resolvesBeneath)
    }

    deinit { Syscall.close(self.fd) }

    /// Opens what lies at the names, one below the other; no names are the directory itself.
    ///
    /// Links are followed as long as they stay below the root; without openat2(2) none is. What is neither a regular
    /// file nor a directory is not there (ENOENT). Blocks as long as the file system does.
    package func open(_ names: [String]) throws(SystemError) -> Entry {
        for name in names where !Self.isName(name) { throw SystemError(operation: "openat", code: ENOENT) }
        guard !names.isEmpty else { return .directory }
        let opened = try OpenedEntry(owning: try self.descriptor(names))
        switch opened.kind {
        case .file(let stamp): return .file(RegularFile(owning: opened.release(), stamp: stamp))
        case .directory: return .directory
        case .other: throw SystemError(operation: "openat", code: ENOENT)
        }
    }

    /// One step down, and nothing else: neither up, nor to where it is, nor two at once.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    // A pipe would wait for its other end, a terminal could become ours.
    private static let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY

    private func descriptor(_ names: [String]) throws(SystemError) -> CInt {
        guard self.resolvesBeneath.load(ordering: .relaxed) else { return try self.stepByStep(names) }
        let path = names.joined(separator: "/")
        var attempts = 0
        while true {
            do throws(SystemError) {
                return try Syscall.blocking("openat2") { timingle_open_beneath(self.fd, path, Self.flags) }
            } catch {
                switch error.code {
                case ENOSYS:
                    self.resolvesBeneath.store(false, ordering: .relaxed)
                    return try self.stepByStep(names)
                case EPERM:
                    // A filter of system calls that is older than the call; or, rarely, the file itself.
                    return try self.stepByStep(names)
                case EAGAIN where attempts < 8:
                    // Something was renamed meanwhile, so that the kernel could not be sure.
                    attempts += 1
                default:
                    throw error
                }
            }
        }
    }

    /// Goes down name by name, through no link at all.
    private func stepByStep(_ names: [String]) throws(SystemError) -> CInt {
        var directory = self.fd
        defer { if directory != self.fd { Syscall.close(directory) } }
        for name in names.dropLast() {
            let flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW
            let next = try Syscall.blocking("openat") { openat(directory, name, flags) }
            if directory != self.fd { Syscall.close(directory) }
            directory = next
        }
        guard let last = names.last else { throw SystemError(operation: "openat", code: ENOENT) }
        return try Syscall.blocking("openat") { openat(directory, last, Self.flags | O_NOFOLLOW) }
    }
}
