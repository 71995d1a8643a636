/// Why a service refused, in the caller's terms; no HTTP in it.
package struct ServiceError: Error, Sendable, Equatable {
    /// What the refusal means; ErrorResponder maps it to a status.
    package enum Kind: Sendable, Equatable {
        case badRequest
        case unauthenticated
        case forbidden
        case notFound
        case conflict
        case gone
        case invalid
        case rateLimited(retryAfterSeconds: Int64)
        /// A dependency is away; asking again later makes sense.
        case unavailable
    }

    package let kind: Kind
    /// Machine-readable, upper case: `EVENT_NOT_FOUND` (`contract.md` 0.4).
    package let code: String
    /// The field that broke a rule, as the client spells it.
    package let field: String?
    /// For people: says which rule was broken.
    package let text: LocalizedText
    /// For the log only: what lay beneath.
    package let underlying: String?

    package init(
        _ kind: Kind,
        code: String,
        field: String? = nil,
        ko korean: String,
        en english: String,
        underlying: String? = nil
    ) {
        self.kind = kind
        self.code = code
        self.field = field
        self.text = LocalizedText(ko: korean, en: english)
        self.underlying = underlying
    }
}

extension ServiceError {
    /// 422 with the field and the rule.
    package static func invalid(_ field: String, ko korean: String, en english: String) -> ServiceError {
        ServiceError(.invalid, code: "VALIDATION_ERROR", field: field, ko: korean, en: english)
    }

    package static func unavailable(_ underlying: String) -> ServiceError {
        ServiceError(
            .unavailable,
            code: "SERVICE_UNAVAILABLE",
            ko: "일시적으로 서비스를 이용할 수 없습니다. 잠시 후 다시 시도해 주세요.",
            en: "The service is temporarily unavailable. Please try again shortly.",
            underlying: underlying
        )
    }

    package static let eventNotFound = ServiceError(
        .notFound,
        code: "EVENT_NOT_FOUND",
        ko: "약속을 찾을 수 없습니다.",
        en: "There is no such event."
    )

    package static let eventAccessDenied = ServiceError(
        .forbidden,
        code: "EVENT_ACCESS_DENIED",
        ko: "이 약속에 대한 권한이 없습니다.",
        en: "You may not do this to this event."
    )

    package static let userNotFound = ServiceError(
        .notFound,
        code: "USER_NOT_FOUND",
        ko: "사용자를 찾을 수 없습니다.",
        en: "There is no such user."
    )

    package static let eventReadOnly = ServiceError(
        .conflict,
        code: "EVENT_READ_ONLY",
        ko: "종료되었거나 취소된 약속에는 메시지를 보낼 수 없습니다.",
        en: "This event is over or canceled; its chat is read-only."
    )

    package static func rateLimited(retryAfterSeconds: Int64) -> ServiceError {
        ServiceError(
            .rateLimited(retryAfterSeconds: retryAfterSeconds),
            code: "RATE_LIMIT_EXCEEDED",
            ko: "요청이 너무 많습니다. \(retryAfterSeconds)초 후에 다시 시도해 주세요.",
            en: "Too many requests. Try again in \(retryAfterSeconds) seconds."
        )
    }
}
