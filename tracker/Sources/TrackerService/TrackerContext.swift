// SPDX-License-Identifier: Apache-2.0

import FleetProtocol
package import Hummingbird
import Metainfo
import NIOCore
package import OperatorAccess
package import TrackerProtocol

/// What a request's handler knows beside the request: where it came from, and who asks.
package struct TrackerContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The address at the other end of the connection, IPv4-mapped ones as IPv4; `nil` for connections without one.
    package let observedHost: IPAddress?
    /// The certificate that was shown, as DER; what it is worth is for the gatekeeper to find out.
    var shownCertificate: [UInt8]?
    /// Who asks. Handlers are called only after the route's policy let them through.
    package var requester = Requester.anonymous
    /// The request's name in the audit trail and in the answer: the client's, or one of ours.
    package internal(set) var requestID = ""
    /// What the handler adds to the audit trail's record.
    package internal(set) var note = AuditNote.unheard

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        observedHost = source.channel.remoteAddress.flatMap { IPAddress($0) }?.unmapped
    }
}

extension TrackerContext {
    /// What a request was about, for the audit trail: what the handler said, or else the path's parameters.
    func subject(of route: RouteTable.Route) -> String {
        note.subject
            ?? route.path.split(separator: "/").filter { $0.hasPrefix(":") }
            .compactMap { parameters.get(String($0.dropFirst())) }.joined(separator: "@")
    }
}

extension TrackerContext {
    /// The master that a path's `:name/:version` names.
    func masterName() throws -> MasterName {
        let name = try parameters.require("name")
        let version = try parameters.require("version")
        guard let master = MasterName("\(name)@\(version)") else {
            throw APIError(
                .badRequest, .badName,
                "A master is a name of letters, digits, '.', '_' and '-' and a version of 1 or more; correct the path.")
        }
        return master
    }
}

extension IPAddress {
    /// The address of a socket, or `nil` when it has none.
    init?(_ socket: SocketAddress) {
        guard let text = socket.ipAddress else { return nil }
        self.init(parsing: text)
    }
}

extension PeerAddress {
    /// The address and port of a socket, or `nil` when it has none.
    init?(_ socket: SocketAddress) {
        guard let host = IPAddress(socket), let port = socket.port.flatMap({ UInt16(exactly: $0) }) else { return nil }
        self.init(host: host, port: port)
    }
}
