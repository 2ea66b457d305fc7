// SPDX-License-Identifier: Apache-2.0

import CloneLayer
import ImageStore
import Metainfo

/// What a host holds while no peer runs on it.
extension Host {
    func statusWithoutPeer() throws -> StatusReport {
        let registered = store.masters().map { StatusReport.Entry($0, clones: clones.clones(of: $0.name)) }
        let partial = store.partials().map { StatusReport.Entry($0) }
        return StatusReport(
            store: store.layout.root, isRunning: false, listen: [],
            masters: (registered + partial).sorted { ($0.name, $0.version) < ($1.name, $1.version) },
            clones: clones.list().count, clonesByBackend: Self.byBackend(clones.list()), trackers: [],
            freeBytes: freeBytes, limits: try rateLimits(), orders: try ordersReport()?.lines,
            warnings: cloneWarnings())
    }

    static func byBackend(_ clones: [Clone]) -> [String: Int] {
        Dictionary(clones.map { ($0.backend.rawValue, 1) }, uniquingKeysWith: +)
    }
}

extension StatusReport.Entry {
    init(_ master: Master, clones: [Clone]) {
        self.init(
            name: master.name.name, version: master.name.version, label: master.label,
            state: master.state == .registered ? "registered" : "failed",
            failure: master.state == .registered
                ? nil : master.problem ?? "it is \(master.state.rawValue); verify it or fetch it again",
            size: master.size, bytesVerified: master.state == .registered ? master.size : 0, downloadRate: 0,
            uploadRate: 0, peers: 0, clones: clones.map(\.name.text), sources: [])
        location = master.location == .adopted ? master.location.rawValue : nil
    }

    init(_ partial: PartialSummary) {
        self.init(
            name: partial.name.name, version: partial.name.version, label: partial.request.label, state: "fetching",
            failure: nil, size: partial.size, bytesVerified: partial.verifiedBytes, downloadRate: 0, uploadRate: 0,
            peers: 0, clones: [], sources: [])
    }
}
