// SPDX-License-Identifier: Apache-2.0

import Diagnosis
import FleetAgent
import ImageStore
import Metainfo
import NIOPosix
import PeerTransport

/// Why masters are not here faster, and whom this host has to do with.
extension Peer {
    /// How long the threads are watched before anything is said.
    private static let watch = Duration.seconds(1)

    /// What holds back the fetches of this host, and masters that a rollout is about.
    /// - Parameter reference: one of them; all of them when `nil`.
    /// - Throws: ``HostFailure`` with `.notFound` when there is none.
    func why(_ reference: MasterReference?) async throws(HostFailure) -> WhyReport {
        let load = await threadLoad()
        var entries: [WhyReport.Entry] = []
        for name in images where reference.map({ $0.fits(name) }) ?? true {
            if let entry = await swarms[name]?.why(load) { entries.append(entry) }
        }
        for (name, reason) in stuck where swarms[name] == nil && reference.map({ $0.fits(name) }) ?? true {
            entries.append(.stuck(name, reason))
        }
        let orders = try await ordersReport()?.lines ?? []
        for line in orders where !entries.contains(where: { $0.master == line.master }) {
            guard let name = MasterName(line.master), reference.map({ $0.fits(name) }) ?? true else { continue }
            entries.append(.ordered(line))
        }
        if entries.isEmpty, let reference {
            let masters = await masters().map(\.name).filter { reference.fits($0) }
            guard !masters.isEmpty else {
                throw HostFailure(.notFound, "there is no \(reference) here, and nothing fetches it")
            }
            entries = masters.map { .here($0) }
        }
        return WhyReport(entries: entries.sorted { $0.master < $1.master })
    }

    func swarmsReport() async -> SwarmsReport {
        var reports: [SwarmsReport.Swarm] = []
        for name in images { if let report = await swarms[name]?.swarmReport() { reports.append(report) } }
        return SwarmsReport(
            swarms: reports.sorted { left, right in
                let (busy, idle) = (left.downloadRate + left.uploadRate, right.downloadRate + right.uploadRate)
                return busy == idle ? left.master < right.master : busy > idle
            })
    }

    private func threadLoad() async -> ThreadLoad {
        let (resources, clock) = (network.resources, ContinuousClock())
        let (start, before) = (clock.now, resources.meter.now)
        try? await Task.sleep(for: Self.watch)
        return ThreadLoad(
            from: before, to: resources.meter.now, in: clock.now - start, threads: resources.threads.numberOfThreads,
            waiting: resources.extents.counts.waiting)
    }
}

extension WhyReport.Entry {
    /// A master that is here.
    fileprivate static func here(_ name: MasterName) -> Self {
        Self(
            master: "\(name)", state: "registered", size: 0, bytesVerified: 0, downloadRate: 0, eta: nil,
            diagnosis: Diagnosis(.nothing, "\(name) is here, verified."), origins: [:])
    }

    /// A fetch of an earlier run that does not go on.
    fileprivate static func stuck(_ name: MasterName, _ reason: String) -> Self {
        Self(
            master: "\(name)", state: "failed", size: 0, bytesVerified: 0, downloadRate: 0, eta: nil,
            diagnosis: Diagnosis(.stopped, "The fetch cannot go on: \(reason)."), origins: [:])
    }

    /// A master that a rollout is about, and that nothing is fetched of.
    fileprivate static func ordered(_ line: OrdersReport.Line) -> Self {
        Self(
            master: line.master, state: "ordered", size: 0, bytesVerified: 0, downloadRate: 0, eta: nil,
            diagnosis: line.diagnosis, origins: [:])
    }
}

extension OrdersReport.Line {
    /// What the rollout waits for, as far as this host knows.
    fileprivate var diagnosis: Diagnosis {
        let advice = "“drover rollout why \(rollout) HOST” says what the rollout waits for."
        return switch LineOrder.Phase(rawValue: phase) {
        case .failed, .refused:
            Diagnosis(
                .stopped,
                "The step “\(step)” of rollout \(rollout) \(phase == "failed" ? "failed" : "is refused") here: "
                    + "\(code ?? "no reason is known").", advice: advice)
        case .staged:
            Diagnosis(
                .waiting, "\(master) is here, verified, and waits for its wave in rollout \(rollout).", advice: advice)
        case .idle, nil:
            Diagnosis(.waiting, "Rollout \(rollout) asks for nothing here at the moment.", advice: advice)
        case .active, .probed: Diagnosis(.nothing, "\(master) is active here, as rollout \(rollout) wants it.")
        case .rolledBack: Diagnosis(.nothing, "This host went back from \(master), as rollout \(rollout) wants it.")
        case .staging, .activating, .probing, .rollingBack:
            Diagnosis(.starting, "The step “\(step)” of rollout \(rollout) is under way.", advice: advice)
        }
    }
}
