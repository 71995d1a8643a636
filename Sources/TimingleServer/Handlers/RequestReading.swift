internal import TimingleCore
internal import TimingleNet

extension HTTPRequest {
    /// The body as an object.
    func jsonBody() throws(ServiceError) -> JSONFields { try JSONFields(parsing: self.body) }

    /// The body as an object where none is needed: nothing sent is an empty object.
    func optionalJSONBody() throws(ServiceError) -> JSONFields {
        let isBlank = self.body.allSatisfy { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        return isBlank ? JSONFields(members: [:]) : try self.jsonBody()
    }

    /// A query parameter's text; nil when it is absent or empty, an error when it is not percent-encoded UTF-8.
    func queryText(_ name: String) throws(ServiceError) -> String? {
        if let text = self.query.first(name) { return text.isEmpty ? nil : text }
        let isThere = self.query.text.split(separator: "&").contains { $0 == name || $0.hasPrefix(name + "=") }
        guard !isThere else { throw .wrongType(name, ko: "퍼센트 인코딩된 UTF-8", en: "percent-encoded UTF-8") }
        return nil
    }

    /// A query parameter with an integer in `range`; what lies outside is brought to its nearer end.
    func queryInteger(_ name: String, default standard: Int, clampedTo range: ClosedRange<Int>) throws(ServiceError)
        -> Int
    {
        guard let text = try self.queryText(name) else { return standard }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.count <= 32, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            throw .wrongType(name, ko: "정수", en: "an integer")
        }
        guard let value = Int(text) else { return text.hasPrefix("-") ? range.lowerBound : range.upperBound }
        return min(max(value, range.lowerBound), range.upperBound)
    }
}

extension RequestContext {
    /// The event's id in the path; anything but a positive integer is a bad request.
    func eventID(_ name: String = "id") throws(ServiceError) -> EventID {
        guard let text = self.parameters[name], let id = EventID(text: text) else { throw .badID(name) }
        return id
    }

    func userID(_ name: String) throws(ServiceError) -> UserID {
        guard let text = self.parameters[name], let id = UserID(text: text) else { throw .badID(name) }
        return id
    }
}

extension ServiceError {
    /// 400: an identifier that is no positive 64-bit integer.
    static func badID(_ name: String) -> ServiceError {
        ServiceError(
            .badRequest,
            code: "INVALID_ID",
            field: name,
            ko: "\(name)은(는) 양의 정수여야 합니다.",
            en: "\(name) must be a positive integer."
        )
    }
}
