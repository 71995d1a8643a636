/// JSON Web Signatures in compact form (RFC 7515 section 7.1), by the rules of RFC 8725.
package enum JSONWebSignature {
    /// Ours have about 400 bytes; nothing longer is looked at.
    package static let tokenBytesMax = 4_096

    /// Header and claims are flat: what is nested or large is an attack.
    private static let limits = JSONLimits(depthMax: 4, valuesMax: 64, numberBytesMax: 20)

    /// Members that would let a token bring its own key or change how it is read.
    private static let refusedMembers = [
        "crit", "b64", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "zip", "cty", "enc",
    ]

    /// Signs `payload`; `type` becomes the header's `typ`.
    package static func sign(payload: [UInt8], type: String, key: JSONWebKey) -> String {
        let header = JSONWriter.object { writer in
            writer.field("alg", key.algorithm.rawValue)
            writer.field("kid", key.id)
            writer.field("typ", type)
        }
        let input = Base64URL.encode(header) + "." + Base64URL.encode(payload)
        return input + "." + Base64URL.encode(key.signature(over: Array(input.utf8)))
    }

    /// Verifies a token and returns its claims; nothing of the payload is read before the signature was found good.
    package static func verify(
        _ token: String,
        type: String,
        keys: JSONWebKeySet
    ) throws(JSONWebTokenError) -> [String: JSONValue] {
        let bytes = Array(token.utf8.prefix(self.tokenBytesMax + 1))
        guard bytes.count <= self.tokenBytesMax else { throw .tooLong }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard
            parts.count == 3,
            let header = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed }
        let key = try self.key(for: try self.object(header), type: type, keys: keys)
        guard key.isValid(signature: signature, over: Array(bytes[..<parts[1].endIndex])) else {
            throw .signatureMismatch
        }
        return try self.object(payload)
    }

    private static func key(
        for header: [String: JSONValue],
        type: String,
        keys: JSONWebKeySet
    ) throws(JSONWebTokenError) -> JSONWebKey {
        for name in self.refusedMembers where header[name] != nil { throw .header(name) }
        guard case .string(let algorithm)? = header["alg"] else { throw .header("alg") }
        guard case .string(let id)? = header["kid"] else { throw .header("kid") }
        guard case .string(let stated)? = header["typ"], self.isType(stated, type) else { throw .header("typ") }
        guard let key = keys.key(id: id) else { throw .unknownKey }
        guard key.algorithm.rawValue == algorithm else { throw .algorithmMismatch }
        return key
    }

    /// RFC 7515 section 4.1.9: a media type in any case whose `application/` may be left out.
    private static func isType(_ stated: String, _ wanted: String) -> Bool {
        let lower = stated.lowercased()
        return lower == wanted || lower == "application/" + wanted
    }

    private static func object(_ bytes: [UInt8]) throws(JSONWebTokenError) -> [String: JSONValue] {
        do throws(JSONError) {
            guard case .object(let members) = try JSONReader.parse(bytes, limits: self.limits) else {
                throw .unexpectedEnd
            }
            return members
        } catch {
            throw .malformed
        }
    }
}
