// SPDX-License-Identifier: Apache-2.0

import Amounts
import ArgumentParser
import PeerService

struct MasterList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the masters registered in the store.")

    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard case .masters(let masters) = try await store.ask(.listMasters) else { throw HostFailure.unexpectedReply }
        try output.print(
            masters, columns: ["master", "state", "role", "size", "on disk", "clones", "location", "label"],
            rows: masters.map {
                [
                    "\($0.name)@\($0.version)", $0.state, $0.role ?? "-", "\(ByteText($0.size))",
                    "\(ByteText($0.allocated))",
                    "\($0.clones.count)", $0.location, $0.label ?? "",
                ]
            })
        if !output.quiet {
            for master in masters {
                if let problem = master.problem { Terminal.note("\(master.name)@\(master.version): \(problem)") }
            }
        }
    }
}
