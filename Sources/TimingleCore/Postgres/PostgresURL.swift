internal import CPostgres

/// A connection string taken apart by libpq itself, so that every form that psql knows is understood.
///
/// Immutable. Its description never shows the password.
package struct PostgresURL: Sendable, Hashable, CustomStringConvertible {
    /// libpq's keywords: host, port, user, password, dbname, sslmode and so on.
    package private(set) var keywords: [String: String]

    /// Parses `postgres://…`, `postgresql://…` or `host=… user=…`.
    package init(_ text: String) throws(PostgresError) {
        guard !text.utf8.contains(0) else { throw PostgresError(.connectionFailed, "invalid connection string") }
        // SAFETY: both pointers that libpq hands out are freed here and not used afterwards.
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(text, &message)
        defer {
            PQconninfoFree(options)
            PQfreemem(message)
        }
        guard let options else {
            // libpq's message quotes the string, which may hold the password.
            throw PostgresError(.connectionFailed, "invalid connection string")
        }
        var keywords: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { keywords[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.keywords = keywords
    }

    /// Takes keywords as they are, for configurations that name each part.
    package init(keywords: [String: String]) {
        self.keywords = keywords
    }

    package subscript(keyword: String) -> String? {
        get { self.keywords[keyword] }
        set { self.keywords[keyword] = newValue }
    }

    package var description: String {
        let host = self.keywords["host"] ?? "local"
        return "\(host):\(self.keywords["port"] ?? "5432")/\(self.keywords["dbname"] ?? "")"
    }
}
