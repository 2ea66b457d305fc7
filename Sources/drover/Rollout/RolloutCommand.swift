// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `drover rollout`: how a master gets to the hosts of a fleet, and back.
struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout",
        abstract: "Bring a master to the hosts of a fleet in waves, watch it, stop it, take it back.",
        discussion: """
            All hosts fetch the master at once; that changes nothing for anybody. Then it is activated: first on a few \
            canaries, which boot a probe clone of it, then wave by wave. Activating moves what a bare name such as debian \
            means for new clones; clones that exist stay as they are.

            A typical rollout:
              drover rollout plan debian@7 --on rack=r1|r2      what would happen; nothing does
              drover rollout start debian@7 --on rack=r1|r2     prints the rollout's number, say 12
              drover rollout status 12 --wait --timeout 20m     until it is over or needs somebody
              drover rollout promote 12                         the canaries are well: go on with the waves
              drover rollout why 12 web-17                      why that host is where it is
              drover rollout retry 12 web-17                    and have it try again
              drover rollout rollback 12                        every host back to the version it had

            Every command needs the fleet's tracker (--tracker, or DROVER_TRACKER) and an operator's token \
            (--token-file, or DROVER_TOKEN_FILE).
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Before and while it runs",
                subcommands: [
                    RolloutPlanCommand.self, RolloutStart.self, RolloutStatus.self, RolloutList.self, RolloutWhy.self,
                ]),
            CommandGroup(
                name: "To steer it",
                subcommands: [
                    RolloutPause.self, RolloutResume.self, RolloutPromote.self, RolloutApprove.self, RolloutReject.self,
                    RolloutExtend.self,
                ]),
            CommandGroup(
                name: "For hosts that give trouble",
                subcommands: [RolloutRetry.self, RolloutSkip.self, RolloutExclude.self]),
            CommandGroup(name: "To end it", subcommands: [RolloutRollback.self, RolloutAbort.self]),
        ])
}
