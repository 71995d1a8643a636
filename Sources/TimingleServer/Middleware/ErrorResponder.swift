internal import TimingleCore
internal import TimingleNet

/// Turns errors into answers: the only place that knows which refusal has which status.
struct ErrorResponder: Filter {
    func leave(_ response: inout HTTPResponse, _ request: HTTPRequest, _ context: RequestContext) {
        guard response.status.code >= 400, case .none = response.body else { return }
        response = Self.worded(
            response,
            language: AcceptLanguage.preferred(request.fields["Accept-Language"]) ?? .korean
        )
    }

    func recover(from error: any Error, _ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        let annotated = AnnotatedError(error)
        let language = AcceptLanguage.preferred(request.fields["Accept-Language"]) ?? annotated.language ?? .korean
        var response = Self.response(to: annotated.underlying, language: language, log: context.log)
        annotated.fields.forEach { name, value in response.fields[name] = value }
        return response
    }

    static func response(to error: any Error, language: Language, log: Log) -> HTTPResponse {
        guard let refusal = error as? ServiceError else {
            log.error("request failed", ["error": .text(String(describing: error))])
            // Our own defect: nothing of it reaches the client.
            return Self.response(.internalServerError, code: "INTERNAL_ERROR", message: Self.internalError[language])
        }
        if let underlying = refusal.underlying {
            log.warning("request refused", ["code": .text(refusal.code), "underlying": .text(underlying)])
        }
        return Self.response(to: refusal, language: language)
    }

    /// The answer for a refusal: `{"error":{"code","message","field"?,"details"?}}`.
    static func response(to error: ServiceError, language: Language) -> HTTPResponse {
        var retryAfter: Int64?
        if case .rateLimited(let seconds) = error.kind { retryAfter = max(1, seconds) }
        var response = Self.response(
            Self.status(of: error),
            code: error.code,
            message: error.text[language],
            field: error.field,
            retryAfter: retryAfter
        )
        response.fields["Content-Language"] = language.rawValue
        switch error.kind {
        case .unauthenticated: response.fields["WWW-Authenticate"] = "Bearer"
        case .rateLimited: response.fields["Retry-After"] = retryAfter.map(String.init)
        case .unavailable: response.fields["Retry-After"] = "2"
        case .badRequest, .forbidden, .notFound, .conflict, .gone, .invalid: break
        }
        return response
    }

    private static let internalError = LocalizedText(
        ko: "서버 오류가 발생했습니다. 잠시 후 다시 시도해 주세요.",
        en: "Something went wrong on our side. Please try again shortly."
    )

    static func status(of error: ServiceError) -> HTTPStatus {
        switch error.kind {
        case .badRequest: .badRequest
        case .unauthenticated: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .conflict: .conflict
        case .gone: .gone
        case .invalid: .unprocessableContent
        case .rateLimited: .tooManyRequests
        case .unavailable: .serviceUnavailable
        }
    }

    /// The answer to a request that never reached a handler.
    static func response(to error: HTTPParseError, fields: HTTPFields?) -> HTTPResponse {
        let language = AcceptLanguage.preferred(fields?["Accept-Language"]) ?? .korean
        let (code, korean) = Self.words(for: error.status)
        let message = language == .korean ? korean : error.reason
        var response = Self.response(error.status, code: code, message: message)
        response.fields["Content-Language"] = language.rawValue
        return response
    }

    /// The body of a refusal that the router made, which knows no words.
    private static func worded(_ response: HTTPResponse, language: Language) -> HTTPResponse {
        let (code, text) = Self.wordless(response.status)
        var worded = Self.response(response.status, code: code, message: text[language])
        response.fields.forEach { name, value in worded.fields[name] = value }
        worded.fields["Content-Language"] = language.rawValue
        return worded
    }

    /// What the router and the files refuse with.
    private static func wordless(_ status: HTTPStatus) -> (code: String, text: LocalizedText) {
        switch status {
        case .methodNotAllowed:
            (
                "METHOD_NOT_ALLOWED",
                LocalizedText(ko: "이 주소에서 허용되지 않은 메서드입니다.", en: "This method is not allowed here.")
            )
        case .notFound:
            (ServiceError.routeNotFound.code, ServiceError.routeNotFound.text)
        case .preconditionFailed:
            ("PRECONDITION_FAILED", LocalizedText(ko: "요청 조건이 맞지 않습니다.", en: "A condition does not hold."))
        case .rangeNotSatisfiable:
            (
                "RANGE_NOT_SATISFIABLE",
                LocalizedText(ko: "요청한 범위가 파일에 없습니다.", en: "The file has no such range.")
            )
        case .serviceUnavailable:
            (
                "SERVICE_UNAVAILABLE",
                LocalizedText(ko: "잠시 후 다시 시도해 주세요.", en: "Please try again shortly.")
            )
        default:
            ("NOT_IMPLEMENTED", LocalizedText(ko: "알 수 없는 메서드입니다.", en: "This method is not known."))
        }
    }

    private static func words(for status: HTTPStatus) -> (code: String, korean: String) {
        switch status {
        case .requestTimeout: ("REQUEST_TIMEOUT", "요청 시간이 초과되었습니다.")
        case .lengthRequired: ("LENGTH_REQUIRED", "요청 본문의 길이가 명시되지 않았습니다.")
        case .contentTooLarge: ("PAYLOAD_TOO_LARGE", "요청 본문이 너무 큽니다.")
        case .uriTooLong: ("URI_TOO_LONG", "요청 주소가 너무 깁니다.")
        case .requestHeaderFieldsTooLarge: ("HEADERS_TOO_LARGE", "요청 헤더가 너무 큽니다.")
        case .expectationFailed: ("EXPECTATION_FAILED", "지원하지 않는 Expect 헤더입니다.")
        case .notImplemented: ("NOT_IMPLEMENTED", "지원하지 않는 전송 방식입니다.")
        case .httpVersionNotSupported: ("HTTP_VERSION_NOT_SUPPORTED", "지원하지 않는 HTTP 버전입니다.")
        case .tooManyRequests: ("TOO_MANY_CONNECTIONS", "한 주소에서 너무 많이 접속했습니다. 잠시 후 다시 시도해 주세요.")
        case .serviceUnavailable: ("SERVICE_UNAVAILABLE", "일시적으로 서비스를 이용할 수 없습니다. 잠시 후 다시 시도해 주세요.")
        case .internalServerError: ("INTERNAL_ERROR", "서버 오류가 발생했습니다. 잠시 후 다시 시도해 주세요.")
        default: ("BAD_REQUEST", "잘못된 요청입니다.")
        }
    }

    private static func response(
        _ status: HTTPStatus,
        code: String,
        message: String,
        field: String? = nil,
        retryAfter: Int64? = nil
    ) -> HTTPResponse {
        HTTPResponse.json(status) { writer in
            writer.field(
                "error",
                object: { writer in
                    writer.field("code", code)
                    writer.field("message", message)
                    writer.field("field", ifPresent: field)
                    if let retryAfter {
                        writer.field("details", object: { $0.field("retry_after", retryAfter) })
                    }
                }
            )
        }
    }
}

extension ServiceError {
    static let routeNotFound = ServiceError(
        .notFound,
        code: "NOT_FOUND",
        ko: "요청한 주소를 찾을 수 없습니다.",
        en: "There is nothing at this address."
    )
}

extension HTTPResponse {
    /// An answer with one JSON object.
    static func json(_ status: HTTPStatus, _ body: (inout JSONWriter) -> Void) -> HTTPResponse {
        .json(status, bytes: JSONWriter.object(body))
    }

    /// An answer with one JSON value.
    static func json(_ status: HTTPStatus, value: some JSONWritable) -> HTTPResponse {
        .json(status, bytes: JSONWriter.bytes(of: value))
    }

    static func json(_ status: HTTPStatus, bytes: [UInt8]) -> HTTPResponse {
        HTTPResponse(status, fields: ["Content-Type": "application/json; charset=utf-8"], body: .bytes(bytes))
    }
}
