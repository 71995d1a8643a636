/// The refusals of `AuthService`, each with its code of `contract.md` 0.4.
extension ServiceError {
    package static let tokenExpired = ServiceError(
        .unauthenticated,
        code: "AUTH_TOKEN_EXPIRED",
        ko: "로그인이 만료되었습니다. 다시 로그인해 주세요.",
        en: "Your session has expired. Please sign in again."
    )

    package static let tokenInvalid = ServiceError(
        .unauthenticated,
        code: "AUTH_TOKEN_INVALID",
        ko: "로그인 정보가 올바르지 않습니다. 다시 로그인해 주세요.",
        en: "Your session is not valid. Please sign in again."
    )

    package static let ticketInvalid = ServiceError(
        .unauthenticated,
        code: "AUTH_TICKET_INVALID",
        field: "ticket",
        ko: "연결 티켓이 만료되었거나 이미 사용되었습니다. 새 티켓을 요청해 주세요.",
        en: "The ticket has expired or was used already. Please ask for a new one."
    )

    package static let tokenMissing = ServiceError(
        .unauthenticated,
        code: "AUTH_TOKEN_MISSING",
        ko: "로그인이 필요합니다.",
        en: "Please sign in."
    )

    package static let unknownCredentials = ServiceError(
        .unauthenticated,
        code: "AUTH_INVALID_CREDENTIALS",
        ko: "가입되지 않은 전화번호입니다.",
        en: "There is no account with this phone number."
    )

    package static let userAlreadyExists = ServiceError(
        .conflict,
        code: "USER_ALREADY_EXISTS",
        field: "phone",
        ko: "이미 가입된 전화번호입니다.",
        en: "An account with this phone number exists already."
    )

    package static let accountSuspended = ServiceError(
        .forbidden,
        code: "ACCOUNT_SUSPENDED",
        ko: "이용이 정지된 계정입니다.",
        en: "This account is suspended."
    )

    package static let verificationRequired = ServiceError(
        .forbidden,
        code: "AUTH_VERIFICATION_REQUIRED",
        ko: "이 계정은 전화번호 인증이 필요합니다.",
        en: "This account needs a verification of its phone number."
    )

    static func wrongCode(attemptsLeft: Int?) -> ServiceError {
        ServiceError(
            .badRequest,
            code: "AUTH_PHONE_VERIFICATION_FAILED",
            field: "code",
            ko: attemptsLeft.map { "인증번호가 올바르지 않습니다. \($0)번 더 시도할 수 있습니다." } ?? "인증번호가 올바르지 않습니다.",
            en: attemptsLeft.map { "The code is wrong; attempts left: \($0)." } ?? "The code is wrong."
        )
    }

    static let codeExpired = ServiceError(
        .badRequest,
        code: "AUTH_PHONE_CODE_EXPIRED",
        field: "code",
        ko: "인증번호가 만료되었거나 이미 사용되었습니다. 새 인증번호를 요청해 주세요.",
        en: "The code has expired or was used already. Please ask for a new one."
    )

    static let codeExhausted = ServiceError(
        .rateLimited(retryAfterSeconds: 60),
        code: "RATE_LIMIT_EXCEEDED",
        field: "code",
        ko: "인증번호를 너무 많이 틀렸습니다. 새 인증번호를 요청해 주세요.",
        en: "Too many wrong codes. Please ask for a new one."
    )
}
