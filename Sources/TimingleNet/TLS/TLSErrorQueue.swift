internal import COpenSSL

/// The calling thread's queue of OpenSSL's errors: cleared before a call, read after one that failed.
///
/// Any thread: each has its own queue.
enum TLSErrorQueue {
    /// One entry: a library's number, a reason's number, and the words.
    struct Entry: Equatable {
        let library: CInt
        let reason: CInt
        let text: String

        func isSSL(_ reason: CInt) -> Bool { self.library == CInt(ERR_LIB_SSL) && self.reason == reason }
    }

    static func clear() {
        // Looks first: to clear is to free sixteen places, whatever is in them, before each record.
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// Takes all entries, the innermost cause first.
    static func take() -> [Entry] {
        var entries: [Entry] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { return entries }
            let library = ERR_GET_LIB(code)
            let reason = ERR_GET_REASON(code)
            entries.append(Entry(library: library, reason: reason, text: Self.text(code, library, reason)))
        }
    }

    /// The innermost cause in words.
    static func takeReason() -> String { Self.take().first?.text ?? "no reason given" }

    private static func text(_ code: UInt, _ library: CInt, _ reason: CInt) -> String {
        if library == CInt(ERR_LIB_SYS) { return SystemError(operation: "open", code: reason).description }
        // SAFETY: the texts are constants of the library, copied at once. TLSContextTests reads several.
        guard let text = ERR_reason_error_string(code) else { return "error \(reason) of library \(library)" }
        return String(cString: text)
    }
}
