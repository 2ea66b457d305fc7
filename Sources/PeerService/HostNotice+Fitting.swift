// SPDX-License-Identifier: Apache-2.0

package import FleetProtocol
import FoundationEssentials

extension HostNotice {
    /// The notice as it is sent, in at most so many bytes: of what is too long the ends of logs stay, the newest versions of
    /// each line, and at last the reports alone.
    package func fitted(into limit: Int = FleetLimits.hostDocumentBytes) throws -> [UInt8] {
        var notice = self
        var (log, versions) = (FleetLimits.logBytes, FleetLimits.versions)
        while true {
            for place in notice.reports.indices {
                notice.reports[place].log = notice.reports[place].log.flatMap { log == 0 ? nil : $0.suffixBytes(log) }
            }
            notice.facts?.limit(versions: versions, bytes: FleetLimits.factsBytes)
            let bytes = Array(try JSONEncoder().encode(notice))
            if bytes.count <= limit { return bytes }
            if log > 0 {
                log = log > 512 ? log / 2 : 0
            } else if versions > 1 {
                versions /= 2
            } else if notice.activity != nil {
                notice.activity = nil
            } else if notice.facts != nil {
                notice.facts = nil
            } else {
                return bytes
            }
        }
    }
}

extension HostFacts {
    /// Leaves out the oldest versions of each line, and at last lines, until no line names more than `versions`, and the facts as
    /// JSON have at most `bytes`.
    mutating func limit(versions: Int, bytes: Int) {
        var most = versions
        while true {
            for place in lines.indices {
                lines[place].held = lines[place].held.suffix(most)
                lines[place].denied = lines[place].denied.suffix(most)
                lines[place].clones = lines[place].clones.suffix(most)
            }
            let count = (try? JSONEncoder().encode(self))?.count ?? 0
            if count <= bytes || lines.isEmpty { return }
            if most > 1 { most /= 2 } else { lines = Array(lines.prefix(lines.count / 2)) }
        }
    }
}
