/// Makes the answer about a file that was opened: conditions, ranges, fields.
///
/// A value for the length of one request; nothing in here waits.
struct StaticAnswer {
    /// A file as one of the representations of what was asked for.
    struct Representation {
        var file: RegularFile
        var mediaType: String
        var cacheControl: String
        /// Content-Encoding.
        var encoding: String?
        /// True where another Accept-Encoding may get another one.
        var varies: Bool
        var validators: HTTPValidators
    }

    /// What is to be sent of the file, before anything of it was read.
    struct Content {
        enum Part: Equatable {
            case bytes([UInt8])
            case range(HTTPByteRange)
        }

        var parts: [Part]
    }

    let representation: Representation
    /// Seconds since 1970.
    let now: Int64

    private var size: Int64 { self.representation.file.size }

    /// The answer's head, and what its content consists of; `boundary` parts ranges, and must not occur in the file.
    func make(for request: HTTPRequest, boundary: () -> String) -> (HTTPResponse, Content) {
        let validators = self.representation.validators
        switch HTTPPreconditions.evaluate(request.fields, method: request.method, validators, now: self.now) {
        case .failed:
            return (HTTPResponse(.preconditionFailed), Content(parts: []))
        case .notModified:
            return (HTTPResponse(.notModified, fields: self.fields(withContent: false)), Content(parts: []))
        case .perform:
            break
        }
        guard
            HTTPPreconditions.honoursRange(request.fields, method: request.method, validators, now: self.now),
            let range = request.fields["Range"]
        else { return self.whole }
        switch HTTPByteRange.select(range, of: self.size) {
        case .whole: return self.whole
        case .unsatisfiable: return self.unsatisfiable
        case .ranges(let ranges):
            guard ranges.count > 1 else { return self.part(ranges[0]) }
            return self.parts(ranges, boundary())
        }
    }

    private var whole: (HTTPResponse, Content) {
        let all: [Content.Part] = self.size == 0 ? [] : [.range(HTTPByteRange(first: 0, last: self.size - 1))]
        return (HTTPResponse(.ok, fields: self.fields(withContent: true)), Content(parts: all))
    }

    private var unsatisfiable: (HTTPResponse, Content) {
        var response = HTTPResponse(.rangeNotSatisfiable)
        response.fields["Content-Range"] = HTTPByteRange.unsatisfied(of: self.size)
        response.fields["Accept-Ranges"] = "bytes"
        return (response, Content(parts: []))
    }

    private func part(_ range: HTTPByteRange) -> (HTTPResponse, Content) {
        var response = HTTPResponse(.partialContent, fields: self.fields(withContent: true))
        response.fields["Content-Range"] = range.contentRange(of: self.size)
        return (response, Content(parts: [.range(range)]))
    }

    /// Several ranges, each with a head of its own (RFC 9110 section 14.6).
    private func parts(_ ranges: [HTTPByteRange], _ boundary: String) -> (HTTPResponse, Content) {
        var response = HTTPResponse(.partialContent, fields: self.fields(withContent: true))
        response.fields["Content-Type"] = "multipart/byteranges; boundary=\(boundary)"
        var parts: [Content.Part] = []
        var start = "--\(boundary)\r\n"
        for range in ranges {
            let head =
                "\(start)Content-Type: \(self.representation.mediaType)\r\n"
                + "Content-Range: \(range.contentRange(of: self.size))\r\n\r\n"
            parts.append(.bytes(Array(head.utf8)))
            parts.append(.range(range))
            start = "\r\n--\(boundary)\r\n"
        }
        parts.append(.bytes(Array("\r\n--\(boundary)--\r\n".utf8)))
        return (response, Content(parts: parts))
    }

    /// A 304 repeats what a cache has to know, and says nothing about content that it does not have.
    private func fields(withContent: Bool) -> HTTPFields {
        let representation = self.representation
        var fields = HTTPFields()
        if withContent {
            fields.append("Content-Type", representation.mediaType)
            if let encoding = representation.encoding { fields.append("Content-Encoding", encoding) }
            fields.append("Accept-Ranges", "bytes")
            fields.append("X-Content-Type-Options", "nosniff")
        }
        fields.append("ETag", representation.validators.tag.fieldValue)
        fields.append("Last-Modified", HTTPDate.imfFixdate(representation.validators.modified))
        fields.append("Cache-Control", representation.cacheControl)
        if representation.varies { fields.append("Vary", "Accept-Encoding") }
        return fields
    }
}
