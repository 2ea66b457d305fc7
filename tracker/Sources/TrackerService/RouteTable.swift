// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
import Hummingbird
import NIOCore
package import OperatorAccess

/// The tracker's routes, each with its policy: the rooms add theirs here and never see the router, so that there is no
/// route that nobody thought about.
package struct RouteTable {
    /// A route as it can be listed.
    package struct Route: Hashable, Sendable {
        package let method: HTTPRequest.Method
        /// Without the first slash; `:name` stands for any one part.
        package let path: String
        package let policy: RoutePolicy
        /// How the audit trail calls what is done here; `nil` where nothing is changed.
        package let action: String?
        /// Whether it is one of the console's: then who asks may also be known by a session, and is answered with pages.
        package var isOfConsole = false

        /// How many parts of it stand for any one.
        var nameCount: Int { path.split(separator: "/").count { $0.hasPrefix(":") } }

        /// Whether a request's path is this one.
        func leads(to path: String) -> Bool {
            let (parts, names) = (path.split(separator: "/"), self.path.split(separator: "/"))
            return parts.count == names.count
                && zip(parts, names).allSatisfy { $0 == $1 || $1.hasPrefix(":") }
        }
    }

    package private(set) var routes: [Route] = []
    private let router: Router<TrackerContext>
    private let gatekeeper: Gatekeeper

    init(router: Router<TrackerContext>, gatekeeper: Gatekeeper) {
        self.router = router
        self.gatekeeper = gatekeeper
    }

    typealias Handler = @Sendable (Request, TrackerContext) async throws -> Response
    /// Looks at a request before anything is noted or done, and gives what carries it out.
    typealias Proof = @Sendable (Request) async throws -> @Sendable (TrackerContext) async throws -> Response

    /// A route that changes nothing.
    /// - Parameter line: the path's parameter that names a line of masters, where the policy is about one.
    mutating func read(
        _ path: String, _ policy: RoutePolicy, line: String? = nil, use handler: @escaping Handler
    ) {
        add(Route(method: .get, path: path, policy: policy, action: nil), line: line, handler)
    }

    /// A route that changes something. Whatever becomes of it stands in the audit trail, once.
    /// - Parameters:
    ///   - action: what is done, such as `master.publish`.
    ///   - line: see ``read(_:_:line:use:)``.
    mutating func change(
        _ method: HTTPRequest.Method, _ path: String, _ policy: RoutePolicy, action: String, line: String? = nil,
        use handler: @escaping Handler
    ) {
        add(Route(method: method, path: path, policy: policy, action: action), line: line, handler)
    }

    /// A route that changes something and is open to all, since each request proves by itself who asks.
    /// - Parameter proving: proves a request and gives what then carries it out. Until then nothing is noted: who proves
    ///   nothing costs the audit trail no more than other strangers do.
    mutating func change(
        _ method: HTTPRequest.Method, _ path: String, action: String,
        proving: @escaping Proof
    ) {
        let route = Route(method: method, path: path, policy: RoutePolicy(.open), action: action)
        routes.append(route)
        router.on(RouterPath(route.path), method: route.method) { [gatekeeper] request, context in
            try await gatekeeper.pass(request, context, to: route, line: nil, proving)
        }
    }

    /// A route that is posted to and changes nothing that anybody wants: a question too long for a path, or what a host
    /// says of itself, which is too often for the audit trail.
    mutating func hear(_ path: String, _ policy: RoutePolicy, use handler: @escaping Handler) {
        add(Route(method: .post, path: path, policy: policy, action: nil), line: nil, handler)
    }

    /// A page of the console, or what its pages need.
    mutating func page(_ path: String, _ policy: RoutePolicy, use handler: @escaping Handler) {
        add(Route(method: .get, path: path, policy: policy, action: nil, isOfConsole: true), line: nil, handler)
    }

    /// What a form of the console asks for.
    mutating func act(_ path: String, _ policy: RoutePolicy, action: String, use handler: @escaping Handler) {
        add(Route(method: .post, path: path, policy: policy, action: action, isOfConsole: true), line: nil, handler)
    }

    /// The form by which one signs in at the console: the token in it counts as if it had been sent as the API wants it.
    mutating func signIn(_ path: String, _ policy: RoutePolicy, use handler: @escaping Handler) {
        let route = Route(method: .post, path: path, policy: policy, action: "session.begin", isOfConsole: true)
        routes.append(route)
        router.on(RouterPath(path), method: .post) { [gatekeeper] request, context in
            let before = gatekeeper.door.session(of: request)
            var head = request.head
            // A session begins no other one, or it would last for ever.
            head.headerFields[.cookie] = nil
            if request.headers[.authorization] == nil, (try? gatekeeper.door.checkOrigin(request)) != nil,
                let token = try? await ConsoleRoutes.form(request)["token"]
            {
                head.headerFields[.authorization] = "Bearer \(token.filter { !$0.isWhitespace })"
            }
            let shown = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
            let response = try await gatekeeper.pass(shown, context, to: route, line: nil) { request in
                try gatekeeper.checkSignIn(request)
                return { context in try await handler(request, context) }
            }
            if response.status == .seeOther, let before { gatekeeper.door.sessions.end(before) }
            return response
        }
    }

    private mutating func add(_ route: Route, line: String?, _ handler: @escaping Handler) {
        routes.append(route)
        let gatekeeper = gatekeeper
        router.on(RouterPath(route.path), method: route.method) { request, context in
            // Announces are many and small; they pass by all that the API does.
            if route.policy.door == .tracker { return try await handler(request, context) }
            return try await gatekeeper.pass(request, context, to: route, line: line) { request in
                { context in try await handler(request, context) }
            }
        }
    }
}
