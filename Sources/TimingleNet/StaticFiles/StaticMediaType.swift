/// The media type of a file, by the ending of its name.
///
/// No state. The table is short: what it does not know is bytes, and `nosniff` keeps browsers from guessing.
enum StaticMediaType {
    static let unknown = "application/octet-stream"

    /// What Content-Type says, with charset where there is text.
    static func of(_ name: String) -> String { Self.ending(of: name).flatMap { Self.types[$0] } ?? Self.unknown }

    /// The lower-cased letters behind the last dot; none for a name without one.
    static func ending(of name: String) -> String? {
        let bytes = Array(name.utf8)
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0, dot + 1 < bytes.count else { return nil }
        return String(decoding: bytes[(dot + 1)...].map(asciiLowercased), as: UTF8.self)
    }

    private static let types: [String: String] = [
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        // RFC 9239: text/javascript is the one that is left.
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "json": "application/json", "map": "application/json",
        "webmanifest": "application/manifest+json",
        "txt": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8",
        "csv": "text/csv; charset=utf-8", "xml": "application/xml", "yaml": "application/yaml",
        "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp", "avif": "image/avif", "ico": "image/vnd.microsoft.icon",
        "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf",
        "wasm": "application/wasm", "pdf": "application/pdf",
        "mp3": "audio/mpeg", "ogg": "audio/ogg", "mp4": "video/mp4", "webm": "video/webm",
        "gz": "application/gzip", "zip": "application/zip", "tar": "application/x-tar",
    ]
}
