/// Serves the files of a directory, and nothing outside of it (RFC 9110 sections 8.8, 13 and 14).
///
/// Any thread. Immutable.
///
/// No file whose name begins with a dot, no listing, `index.html` for a directory. What waits for a disk runs on the
/// threads of a `FileReader`; content is sent by `HTTPFileSender`. An answer is never compressed on the way, since its
/// tag and its ranges are those of the file's own bytes: `app.js.gz` beside `app.js` is sent to who takes gzip.
///
/// Files are best replaced by renaming another into their place: who is being sent the old one gets all of it.
package struct StaticFiles: Sendable {
    package struct Limits: Sendable {
        /// Content up to this size is read at once, and leaves with its head.
        package var readAtOnceBytes = 16 * 1024
        /// Files in sending at once; more readers of the same ones cost no more.
        package var openFiles = 256
        /// How long after its last change a file's tag stays weak.
        package var settling: Duration = .seconds(1)

        package init() {}

        /// What all of it may have open: files in sending, and those of requests that are being looked at.
        package var descriptorsMax: Int { self.openFiles + 4 * FileReader.threadsMax }
    }

    private let root: DirectoryRoot
    private let prefixCount: Int
    private let limits: Limits
    let reader: FileReader
    let openFiles: OpenFiles

    /// Opens `directory`, once: one that is later moved to its place is not seen.
    ///
    /// `prefix` is the path at which it is served, such as `/console`.
    package init(directory: String, at prefix: String = "/", limits: Limits = Limits()) throws(SystemError) {
        self.init(root: try DirectoryRoot(path: directory), at: prefix, limits: limits)
    }

    init(root: DirectoryRoot, at prefix: String, limits: Limits = Limits(), reader: FileReader = FileReader()) {
        self.root = root
        self.prefixCount = prefix.utf8.split(separator: UInt8(ascii: "/")).count
        self.limits = limits
        self.reader = reader
        self.openFiles = OpenFiles(filesMax: limits.openFiles)
    }

    /// Answers GET and HEAD; refusals (404, 405, 412, 416, 503) have no content, so that others find the words.
    package func callAsFunction(_ request: HTTPRequest, _ context: RequestContext) async throws -> HTTPResponse {
        guard request.method == .get || request.method == .head else {
            return HTTPResponse(.methodNotAllowed, fields: ["Allow": "GET, HEAD"])
        }
        guard let path = StaticPath(target: request.target, prefixCount: self.prefixCount) else {
            return HTTPResponse(.notFound)
        }
        let outcome = await self.reader.run { () -> Result<HTTPResponse, SystemError> in
            do throws(SystemError) {
                return .success(try self.answer(request, path))
            } catch {
                return .failure(error)
            }
        }
        guard let outcome else { return Self.busy }
        switch outcome {
        case .success(let response): return response
        case .failure(let error): return try Self.refusal(error, of: path.path, context)
        }
    }

    // MARK: Where it may block

    private func answer(_ request: HTTPRequest, _ path: StaticPath) throws(SystemError) -> HTTPResponse {
        var names = path.names
        var file: RegularFile
        switch try self.root.open(names) {
        case .file(let found):
            // A file is no directory.
            guard !path.endsInSlash else { return HTTPResponse(.notFound) }
            file = found
        case .directory:
            guard path.endsInSlash else { return Self.redirect(to: path) }
            names.append("index.html")
            guard case .file(let index) = try self.root.open(names) else { return HTTPResponse(.notFound) }
            file = index
        }
        let name = names.last ?? ""
        let mediaType = StaticMediaType.of(name)
        let varies = HTTPContentCoder.isText(mediaType)
        var encoding: String?
        if varies, HTTPAcceptEncoding(request.fields["Accept-Encoding"]).prefersGzip,
            let compressed = self.compressed(names, of: file)
        {
            file = compressed
            encoding = "gzip"
        }
        let now = SystemClock.unixNanoseconds()
        let settling = self.limits.settling.components
        let answer = StaticAnswer(
            representation: StaticAnswer.Representation(
                file: file,
                mediaType: mediaType,
                cacheControl: StaticFreshness.cacheControl(for: name),
                encoding: encoding,
                varies: varies,
                validators: StaticFreshness.validators(
                    of: file.stamp,
                    nowNanoseconds: now,
                    settling: settling.seconds * 1_000_000_000 + settling.attoseconds / 1_000_000_000
                )
            ),
            now: now / 1_000_000_000
        )
        var (response, content) = answer.make(for: request, boundary: Self.boundary)
        guard !content.parts.isEmpty else { return response }
        guard let body = try self.content(content, of: file, isHead: request.method == .head) else { return Self.busy }
        response.body = .file(body)
        return response
    }

    /// `app.js.gz` beside `app.js`, unless it is the older one and so of another content.
    private func compressed(_ names: [String], of plain: RegularFile) -> RegularFile? {
        var names = names
        names[names.count - 1] += ".gz"
        do throws(SystemError) {
            guard case .file(let file) = try self.root.open(names) else { return nil }
            return file.stamp.modifiedNanoseconds >= plain.stamp.modifiedNanoseconds ? file : nil
        } catch {
            // Most often it is not there; whatever else is wrong with it, the plain one is good.
            return nil
        }
    }

    /// Nil when too many files are being sent.
    private func content(
        _ content: StaticAnswer.Content,
        of file: RegularFile,
        isHead: Bool
    ) throws(SystemError) -> HTTPFileContent? {
        var count: Int64 = 0
        for part in content.parts {
            if case .range(let range) = part { count += range.count }
        }
        let isSmall = count <= Int64(self.limits.readAtOnceBytes) && !isHead
        // Nothing is sent of a HEAD's file, and nothing of a small one's once it was read.
        guard let file = isSmall || isHead ? file : self.openFiles.shared(file) else { return nil }
        var parts: [HTTPFileContent.Part] = []
        for part in content.parts {
            switch part {
            case .bytes(let bytes): parts.append(.bytes(bytes))
            case .range(let range):
                let region = FileRegion(file, offset: range.first, count: Int(range.count))
                parts.append(isSmall ? .bytes(try region.read()) : .region(region))
            }
        }
        return HTTPFileContent(parts, reader: self.reader)
    }

    // MARK: Refusals

    private static func redirect(to path: StaticPath) -> HTTPResponse {
        // The raw path: it begins with the prefix, so it cannot name another host.
        HTTPResponse(
            .permanentRedirect,
            fields: ["Location": "\(path.path)/\(path.query)", "Cache-Control": "no-cache"]
        )
    }

    private static var busy: HTTPResponse { HTTPResponse(.serviceUnavailable, fields: ["Retry-After": "1"]) }

    private static func refusal(
        _ error: SystemError,
        of path: String,
        _ context: RequestContext
    ) throws -> HTTPResponse {
        if error.isAbsence { return HTTPResponse(.notFound) }
        if error.isDenial {
            context.log.warning("a file may not be read", ["path": .text(path), "error": .text(error.description)])
            return HTTPResponse(.notFound)
        }
        guard error.isDescriptorExhaustion || error == .fileTruncated || error.isConflict else { throw error }
        context.log.warning("a file is out of reach for now", ["error": .text(error.description)])
        return Self.busy
    }

    /// 128 random bits, which no file holds by chance.
    private static func boundary() -> String {
        (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined(separator: "-")
    }
}
