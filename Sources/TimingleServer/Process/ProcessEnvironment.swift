internal import Glibc

/// What the process was given, and the rights that it asks for at start.
enum ProcessEnvironment {
    /// All variables; of a name that comes twice, the first.
    static func variables() -> [String: String] {
        var result: [String: String] = [:]
        // SAFETY: nothing in this process changes its environment, so the array and its texts stay.
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let mark = text.firstIndex(of: "=") {
                let name = String(text[..<mark])
                if result[name] == nil { result[name] = String(text[text.index(after: mark)...]) }
            }
            cursor += 1
        }
        return result
    }

    /// Raises the number of open descriptors to the hard limit, and returns it.
    static func raiseDescriptorLimit() -> UInt64 {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(resource, &limit) == 0 else { return UInt64(before) }
        return UInt64(limit.rlim_cur)
    }

    static func processorCount() -> Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    static func processID() -> Int32 { getpid() }

    /// Ends the process without running what is registered for a regular end.
    static func exitNow(_ code: Int32) -> Never { _exit(code) }
}
