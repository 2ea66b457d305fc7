// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FleetIdentity
import TrackerProtocol
import TrackerService

/// How the tracker proves who it is.
struct TLSOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Speak TLS 1.3 wherever --listen says, with a certificate that the fleet's authority makes at each start and "
                + "in time before its end (with --authority), or with one of your own."))
    var tls = false

    @Option(
        name: .customLong("tls-name"),
        help: ArgumentHelp(
            "A name or literal address by which the tracker is reached, for the certificate made here. May be repeated. "
                + "(default: this host's name, localhost, and the addresses of --listen)", valueName: "name"),
        transform: { text in
            guard let name = ServerName(text) else {
                throw ValidationError("'\(text)' is neither a DNS name nor a literal address.")
            }
            return name
        })
    var names: [ServerName] = []

    @Option(
        name: .customLong("tls-certificate"),
        help: ArgumentHelp(
            "Your own certificate, and what stands between it and its authority, as PEM. It is read at the start.",
            valueName: "file"), completion: .file())
    var certificate: String?

    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("The key of your own certificate, as PEM.", valueName: "file"), completion: .file())
    var key: String?

    func validate() throws {
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("--tls-certificate and --tls-key belong together; give both.")
        }
        guard tls || (certificate == nil && names.isEmpty) else {
            throw ValidationError("--tls-certificate, --tls-key and --tls-name are of use with --tls only.")
        }
        guard certificate == nil || names.isEmpty else {
            throw ValidationError("Your own certificate has its names in it; leave --tls-name out.")
        }
    }

    /// What to show; `nil` without TLS.
    func certificate(
        listen: [PeerAddress], hostName: String?, hasAuthority: Bool
    ) throws -> TrackerCertificate? {
        guard tls else { return nil }
        if let certificate, let key {
            do throws(PEMFile.Failure) {
                return .own(
                    chain: try PEMFile.read(certificate), key: try PEMFile.readKey(key, groupIsAllowed: true))
            } catch {
                throw TrackerFailure(message: error.description)
            }
        }
        guard hasAuthority else {
            throw TrackerFailure(
                message: "--tls needs a certificate: name the fleet's authority with --authority DIR, or your own with "
                    + "--tls-certificate and --tls-key.", code: 2)
        }
        guard names.isEmpty else { return .issued(names: names) }
        var made: [ServerName] = []
        let literal = listen.map(\.host).flatMap { $0.isUnspecified ? ["127.0.0.1", "::1"] : ["\($0.unmapped)"] }
        for name in ([hostName, "localhost"].compactMap { $0 } + literal).compactMap({ ServerName($0) })
        where !made.contains(name) {
            made.append(name)
        }
        return .issued(names: made)
    }
}
