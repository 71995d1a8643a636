internal import Glibc

/// The file by which a unix socket is found; it outlives the socket, and then is in the way of the next one.
///
/// Any thread. No state.
enum UnixSocketFile {
    /// Removes the file of a unix socket at which nobody listens any more.
    ///
    /// A file of another kind is left alone, and so is one at which somebody listens.
    static func removeIfStale(_ address: SocketAddress) {
        guard case .unix(let path) = address, Self.isSocket(path) else { return }
        do throws(SystemError) {
            _ = try Socket.connecting(to: address)
        } catch {
            // A full queue is somebody's, too.
            if error.code == ECONNREFUSED { unlink(path) }
        }
    }

    /// Removes the file of a socket of ours, which still listens: nobody else can have taken its place.
    static func remove(_ address: SocketAddress) {
        guard case .unix(let path) = address, Self.isSocket(path) else { return }
        unlink(path)
    }

    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}
