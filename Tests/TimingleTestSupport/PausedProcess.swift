internal import Glibc

/// Stops a process and returns when each of its threads stands still: until then one may still answer what comes now.
func stopAndWait(_ process: pid_t) {
    kill(process, SIGSTOP)
    // A stop takes as long as it takes a running thread to come into the kernel.
    for _ in 0..<10_000 {
        if standsStill(process) { return }
        usleep(1_000)
    }
    preconditionFailure("process \(process) did not stop within ten seconds")
}

/// True when no thread of the process runs (proc_pid_stat(5)).
private func standsStill(_ process: pid_t) -> Bool {
    guard let tasks = opendir("/proc/\(process)/task") else { return true }
    defer { closedir(tasks) }
    while let entry = readdir(tasks) {
        // SAFETY: the entry is the directory's until the next call, and its name ends with NUL.
        let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
            name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name.first?.isNumber == true, let file = fopen("/proc/\(process)/task/\(name)/stat", "r") else {
            continue
        }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 512)
        let count = fread(&line, 1, line.count, file)
        let stat = String(decoding: line[..<count], as: UTF8.self)
        // The name of the program may hold anything, so the state is looked for behind its last parenthesis.
        guard count == 0 || stat.split(separator: ")").last?.split(separator: " ").first == "T" else { return false }
    }
    return true
}
