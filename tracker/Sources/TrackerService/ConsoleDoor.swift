// SPDX-License-Identifier: Apache-2.0

import Console
import FleetProtocol
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Metainfo
import NIOCore
import TrackerProtocol

/// What a browser must bring to be let in at the console, and what it is told with every answer.
struct ConsoleDoor: Sendable {
    let sessions: ConsoleSessions
    /// Whether the console is reached by TLS.
    let isTLS: Bool

    /// A cookie that only this host sets and no script reads; without TLS browsers do not take the stricter name.
    private var cookie: String { isTLS ? "__Host-drover" : "drover" }

    /// The secret of the session that a request belongs to.
    func session(of request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == cookie, parts[1].utf8.count == 64 else {
                    continue
                }
                return String(parts[1])
            }
        }
        return nil
    }

    /// Whether somebody does something, and not a page that keeps itself up to date.
    static func isUse(_ request: Request) -> Bool {
        request.headers[live] == nil && request.uri.path != "/changes"
    }

    private static let live = HTTPField.Name("X-Drover-Live") ?? .date

    /// - Parameter secret: `nil` to have the browser forget it.
    func cookie(_ secret: String?) -> String {
        let age = secret == nil ? 0 : ConsoleSessions.lifetime
        return "\(cookie)=\(secret ?? ""); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict"
            + (isTLS ? "; Secure" : "")
    }

    /// Refuses what comes by a name that somebody else may have given this address.
    ///
    /// Without TLS the console is on loopback, where a name that a stranger's server resolves to 127.0.0.1 leads too; with it
    /// such a name has no certificate.
    func checkHost(_ request: Request) throws(APIError) {
        if !isTLS, !Self.isLoopback(request.head.authority ?? "") {
            throw APIError(
                .misdirectedRequest, .forbidden,
                "Without TLS the console answers to localhost and loopback addresses alone; use such a URL, or --tls.")
        }
    }

    /// Refuses a change that a page of somebody else may have had the browser ask for. Who sends a token does so by intent.
    func checkOrigin(_ request: Request) throws(APIError) {
        guard request.method != .get, request.method != .head else { return }
        let own = "\(isTLS ? "https" : "http")://\(request.head.authority ?? "")"
        if let origin = request.headers[Self.origin] {
            if origin == own { return }
        } else if request.headers[Self.site] == "same-origin" || request.headers[.authorization] != nil {
            return
        }
        throw APIError(
            .forbidden, .forbidden, "This came from a page of another site; go to the console itself and do it there.")
    }

    private static func isLoopback(_ authority: String) -> Bool {
        if let address = PeerAddress(parsing: authority) { return address.host.isLoopback }
        let host =
            authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
        return host == "localhost" || IPAddress(parsing: String(host))?.isLoopback == true
    }

    /// What every answer says: nothing of others' is loaded, nobody frames it, and nothing is kept.
    func harden(_ response: inout Response) {
        // The page on which one signs in has its own.
        if response.headers[Self.policy] == nil {
            response.headers[Self.policy] = """
                default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                form-action 'self'; frame-ancestors 'none'; base-uri 'none'
                """
        }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[Self.referrer] = "same-origin"
        response.headers[Self.opener] = "same-origin"
    }

    /// How a refusal is answered: by the page on which one signs in, or by one that says what is wrong.
    func page(_ refusal: APIError, viewer: Viewer?) -> Response {
        var headers = refusal.headers
        headers[.contentType] = "text/html; charset=utf-8"
        guard refusal.status != .unauthorized, let viewer else {
            let style = "data:text/css;base64,\(Data(ConsoleAssets.style).base64EncodedString())"
            let problem: String? = refusal.code == .unauthenticated ? nil : refusal.detail
            var response = Self.html(ConsolePage.signIn(problem: problem, style: style), refusal.status, headers)
            response.headers[Self.policy] = """
                default-src 'none'; style-src data:; img-src data:; form-action 'self'; frame-ancestors 'none'; \
                base-uri 'none'
                """
            return response
        }
        let page = ConsolePage.problem("That did not work", refusal.detail, code: refusal.code.rawValue)
        return Self.html(page.html(for: viewer), refusal.status, headers)
    }

    static func html(
        _ text: String, _ status: HTTPResponse.Status = .ok, _ headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "text/html; charset=utf-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static let origin = HTTPField.Name("Origin") ?? .date
    private static let site = HTTPField.Name("Sec-Fetch-Site") ?? .date
    private static let policy = HTTPField.Name("Content-Security-Policy") ?? .date
    private static let referrer = HTTPField.Name("Referrer-Policy") ?? .date
    private static let opener = HTTPField.Name("Cross-Origin-Opener-Policy") ?? .date
}
