/// The members of a request's JSON object, read by name and type; each refusal names the field and the rule.
///
/// Explicit null counts as absent for optional fields; unknown members are ignored. Immutable.
package struct JSONFields: Sendable {
    private let members: [String: JSONValue]

    package init(members: [String: JSONValue]) { self.members = members }

    /// Parses `bytes`, which must hold one object.
    package init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(ServiceError) {
        try self.init(parsing: bytes.span, limits: limits)
    }

    package init(parsing bytes: Span<UInt8>, limits: JSONLimits = JSONLimits()) throws(ServiceError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse(bytes, limits: limits)
        } catch {
            throw error.asServiceError
        }
        guard case .object(let members) = value else {
            throw ServiceError(
                .badRequest,
                code: "INVALID_JSON",
                ko: "요청 본문은 JSON 객체여야 합니다.",
                en: "The body must be a JSON object, not \(value.kindName)."
            )
        }
        self.members = members
    }

    /// The value if there is one and it is not null.
    package subscript(name: String) -> JSONValue? {
        guard let value = self.members[name], value != .null else { return nil }
        return value
    }

    /// Whether the member is there, null included.
    package func contains(_ name: String) -> Bool { self.members[name] != nil }

    package func string(_ name: String) throws(ServiceError) -> String {
        guard let value = try self.optionalString(name) else { throw .missingField(name) }
        return value
    }

    /// NUL is refused everywhere: PostgreSQL cannot hold it, and nobody types it.
    package func optionalString(_ name: String) throws(ServiceError) -> String? {
        guard let value = self[name] else { return nil }
        return try Self.text(value, name)
    }

    package func integer(_ name: String) throws(ServiceError) -> Int64 {
        guard let value = try self.optionalInteger(name) else { throw .missingField(name) }
        return value
    }

    package func optionalInteger(_ name: String) throws(ServiceError) -> Int64? {
        guard let value = self[name] else { return nil }
        guard let integer = value.integerValue else { throw .wrongType(name, ko: "정수", en: "an integer") }
        return integer
    }

    package func optionalBool(_ name: String) throws(ServiceError) -> Bool? {
        guard let value = self[name] else { return nil }
        guard case .bool(let flag) = value else { throw .wrongType(name, ko: "true 또는 false", en: "true or false") }
        return flag
    }

    package func time(_ name: String) throws(ServiceError) -> Timestamp {
        guard let value = try self.optionalTime(name) else { throw .missingField(name) }
        return value
    }

    package func optionalTime(_ name: String) throws(ServiceError) -> Timestamp? {
        guard let text = try self.optionalString(name) else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw .wrongType(
                name,
                ko: "RFC 3339 형식의 시각(예: 2026-01-15T10:00:00Z)",
                en: "an RFC 3339 time such as 2026-01-15T10:00:00Z"
            )
        }
        return time
    }

    package func optionalIntegers(_ name: String, countMax: Int) throws(ServiceError) -> [Int64]? {
        try self.optionalArray(name, countMax: countMax) { value throws(ServiceError) in
            guard let integer = value.integerValue else {
                throw .wrongType(name, ko: "정수 배열", en: "an array of integers")
            }
            return integer
        }
    }

    package func optionalStrings(_ name: String, countMax: Int) throws(ServiceError) -> [String]? {
        try self.optionalArray(name, countMax: countMax) { value throws(ServiceError) in
            try Self.text(value, name)
        }
    }

    private func optionalArray<Element>(
        _ name: String,
        countMax: Int,
        _ element: (JSONValue) throws(ServiceError) -> Element
    ) throws(ServiceError) -> [Element]? {
        guard let value = self[name] else { return nil }
        guard case .array(let values) = value else { throw .wrongType(name, ko: "배열", en: "an array") }
        guard values.count <= countMax else {
            throw .invalid(
                name,
                ko: "\(name)은(는) 최대 \(countMax)개까지 가능합니다.",
                en: "\(name) may have at most \(countMax) elements."
            )
        }
        var elements: [Element] = []
        for value in values { elements.append(try element(value)) }
        return elements
    }

    private static func text(_ value: JSONValue, _ name: String) throws(ServiceError) -> String {
        guard case .string(let text) = value else { throw .wrongType(name, ko: "문자열", en: "a string") }
        guard !text.utf8.contains(0) else {
            throw .invalid(
                name,
                ko: "\(name)에 사용할 수 없는 문자(NUL)가 있습니다.",
                en: "\(name) must not contain a NUL character."
            )
        }
        return text
    }
}

extension ServiceError {
    package static func missingField(_ name: String) -> ServiceError {
        .invalid(name, ko: "\(name) 값은 필수입니다.", en: "\(name) is required.")
    }

    package static func wrongType(_ name: String, ko korean: String, en english: String) -> ServiceError {
        .invalid(name, ko: "\(name)의 형식이 올바르지 않습니다. 필요한 형식: \(korean).", en: "\(name) must be \(english).")
    }
}

extension JSONError {
    /// 400 with what is wrong and where, for the client's developer.
    package var asServiceError: ServiceError {
        let why = self.explanation
        return ServiceError(
            .badRequest,
            code: "INVALID_JSON",
            ko: self.isLimit
                ? "요청 본문의 JSON을 받아들일 수 없습니다: \(why.korean)."
                : "요청 본문이 올바른 JSON이 아닙니다: \(why.korean).",
            en: self.isLimit
                ? "The body is JSON that is not taken here: \(why.english)."
                : "The body is not valid JSON: \(why.english)."
        )
    }

    /// True where another reader might take the text.
    private var isLimit: Bool {
        switch self {
        case .numberOutOfRange, .duplicateName, .tooDeep, .tooManyValues: true
        case .unexpectedEnd, .unexpectedByte, .invalidUTF8, .invalidEscape: false
        }
    }

    private var explanation: LocalizedText {
        switch self {
        case .unexpectedEnd:
            LocalizedText(ko: "도중에 끝났습니다", en: "it ends too early")
        case .unexpectedByte(_, let offset):
            LocalizedText(ko: "\(offset)바이트 위치의 문자가 잘못되었습니다", en: "unexpected character at byte \(offset)")
        case .invalidUTF8(let offset):
            LocalizedText(ko: "\(offset)바이트 위치의 문자열이 UTF-8이 아닙니다", en: "the string at byte \(offset) is not UTF-8")
        case .invalidEscape(let offset):
            LocalizedText(ko: "\(offset)바이트 위치의 이스케이프가 잘못되었습니다", en: "invalid escape at byte \(offset)")
        case .numberOutOfRange(let offset):
            LocalizedText(ko: "\(offset)바이트 위치의 숫자가 범위를 벗어났습니다", en: "the number at byte \(offset) is out of range")
        case .duplicateName(let offset):
            LocalizedText(ko: "\(offset)바이트 위치의 이름이 두 번 나옵니다", en: "the name at byte \(offset) comes twice")
        case .tooDeep(let max):
            LocalizedText(ko: "\(max)단계보다 깊게 중첩되었습니다", en: "nested deeper than \(max)")
        case .tooManyValues(let max):
            LocalizedText(ko: "값이 \(max)개보다 많습니다", en: "more than \(max) values")
        }
    }
}
