internal import Glibc

/// Makes a system call again when something interrupted it before it did anything (EINTR), such as a stop of the
/// process.
func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        guard result < 0, errno == EINTR else { return result }
    }
}
