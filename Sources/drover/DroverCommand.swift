// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Metainfo
import NIOCore
import PeerService

/// The command line of one host: what its administrator types, and what scripts call.
@main
struct DroverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drover",
        abstract: "Gets VM master images onto hosts and makes clones of them at once.",
        discussion: """
            A master is a disk image under a name and version, NAME@VERSION, verified piece by piece. It is made once \
            from a source image, fetched by every host from all the others, and never written to again. A clone is a \
            disk that a VM opens and writes to; it shares the master's blocks, so it takes milliseconds to make.

            A typical day:
              drover master create debian.qcow2 --name debian --version 3 --tracker http://tracker:6969
              drover master publish debian@3 --tracker http://tracker:6969
              drover master fetch debian --tracker http://tracker:6969 --clone web --count 4 --wait
              drover clone list

            Results go to standard output, progress and notes to standard error.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict, 6 done in part, 7 timed out, \
            8 verification failed, 9 no space, 10 tracker unreachable, 11 no peer is running (status), 130 interrupted.
            """,
        version: ProgramVersion.text,
        groupedSubcommands: [
            CommandGroup(name: "Images and clones", subcommands: [MasterCommand.self, CloneCommand.self]),
            CommandGroup(name: "The fleet", subcommands: [RolloutCommand.self, FleetCommand.self]),
            CommandGroup(name: "Trust", subcommands: [KeyCommand.self, TrustCommand.self, AuditCommand.self]),
            CommandGroup(
                name: "This host",
                subcommands: [
                    PeerCommand.self, HostCommand.self, StatusCommand.self, WhyCommand.self, TopCommand.self,
                    DoctorCommand.self,
                    LimitCommand.self,
                ]),
            CommandGroup(name: "Planning", subcommands: [SimulateCommand.self, BenchCommand.self]),
        ])

    static func main() async {
        // A reader that went away ends the write with an error instead of the process.
        signal(SIGPIPE, SIG_IGN)
        // Hashing and writing take the other half of the processors, and each word between two event loops wakes a thread.
        NIOSingletons.groupLoopCountSuggestion = max(1, System.coreCount / 2)
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await Interruption.run { try await command.run() }
            } else {
                try command.run()
            }
        } catch let failure as HostFailure {
            Terminal.note("drover: \(failure.message)")
            Glibc.exit(failure.code.rawValue)
        } catch is CancellationError {
            Terminal.note("drover: interrupted")
            Glibc.exit(130)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            guard code == .success else {
                if !text.isEmpty { Terminal.note(text) }
                Glibc.exit(code == .validationFailure ? HostFailure.Code.usage.rawValue : code.rawValue)
            }
            Terminal.data(text)
        }
    }
}
