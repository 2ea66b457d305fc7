// SPDX-License-Identifier: Apache-2.0

package import Metainfo
package import Swarm

/// A world to be run: the image, the hosts and what goes wrong. Equal scenarios run equally, to the last event.
package struct Scenario: Sendable {
    /// One host: what it has, how it is connected and what becomes of it.
    package struct Host: Sendable {
        /// What a host does to the swarm when it ends.
        package enum End: Sendable {
            /// The process ends: its connections close and dialling it is refused.
            case stops
            /// The power goes: nobody is told, and what is sent to it is lost.
            case vanishes
        }

        /// Starts with the whole image.
        package var isSeed = false
        /// Bytes a second.
        package var uplink: Double
        package var downlink: Double
        /// The rack it stands in; what hosts of different racks send each other passes both racks' links.
        package var rack = 0
        /// When it starts.
        package var starts = Duration.zero
        /// When it ends, or `nil` when it never does.
        package var ends: Duration?
        package var end = End.stops
        /// How long after its end it comes back, with what was verified on its disk.
        package var returnsAfter: Duration?
        /// It ends at the first moment from `ends` on at which the hosts that live on have all pieces between them.
        package var endsOnceReplicated = false
        /// The probability with which each block it serves is wrong: 0 for honest ones. A liar may fetch as well.
        package var lies = 0.0
        /// While this lasts its disk is full: the first write ends its fetch, which somebody resumes afterwards.
        package var fullDisk: Range<Duration>?
        /// The time a write or read takes beyond its bytes.
        package var diskDelay = Duration.microseconds(300)
        /// Extents it has room for at one time.
        package var rooms = 32

        package init(uplink: Double, downlink: Double) {
            self.uplink = uplink
            self.downlink = downlink
        }
    }

    /// What goes wrong between hosts.
    package struct Faults: Sendable {
        /// Hosts that for a while reach, and are reached by, nobody but each other; nor do they reach the tracker.
        package struct Partition: Sendable {
            package var hosts: Set<Int>
            package var time: Range<Duration>

            package init(hosts: Set<Int>, time: Range<Duration>) {
                self.hosts = hosts
                self.time = time
            }
        }

        /// Connections that break, per second, in the whole world.
        package var brokenConnections = 0.0
        /// While this lasts the tracker answers nobody.
        package var trackerSilence: Range<Duration>?
        package var partitions: [Partition] = []

        package init() {}
    }

    /// Everything random in the run follows from it.
    package var seed: UInt64
    package var geometry: PieceGeometry
    /// How many times the length of the geometry's blocks travels and is stored as one of them; at least 1. The image is so
    /// many times as large as the geometry says. With more than 1 a run is coarser and shorter: what is not a block takes no
    /// turn on the links.
    package var scale = 1
    package var hosts: [Host]
    /// One-way delay between any two hosts; each pair has between half and all of it.
    package var delay = Duration.milliseconds(1)
    /// Bytes a second that each rack's link to the others carries, in each direction; `nil` when it is never the
    /// narrowest place.
    package var rackLink: Double?
    /// Whether hosts tell the tracker in which rack they stand.
    package var tellsRacks = false
    /// What the way between two racks adds to ``delay``.
    package var rackDelay = Duration.zero
    /// The longest time a report or a command takes between a connection's event loop and its image's.
    package var hop = Duration.microseconds(100)
    package var faults = Faults()
    package var limits = SwarmLimits()
    /// Virtual time after which an incomplete host counts as stuck.
    package var deadline: Duration
    /// The most trace lines kept; 0 records nothing.
    package var traceLimit = 0
    /// Checks the machines' own bookkeeping at every tick; too slow for thousands of pieces.
    package var audits = true

    package init(seed: UInt64, geometry: PieceGeometry, hosts: [Host], deadline: Duration) {
        self.seed = seed
        self.geometry = geometry
        self.hosts = hosts
        self.deadline = deadline
    }

    /// The image's size in bytes.
    package var imageSize: Int64 { geometry.size * Int64(scale) }

    /// The least time in which every host could have the image, from the rates alone: the seeds must send every byte
    /// once, each host must receive every byte, each rack without a seed must take it in, and all uplinks together must
    /// carry all of it.
    package var bound: Duration {
        let size = Double(imageSize)
        let honest = hosts.filter { $0.lies == 0 }
        let fetching = honest.filter { !$0.isSeed }
        let seeds = honest.filter(\.isSeed).reduce(0) { $0 + $1.uplink }
        let uplinks = honest.reduce(0) { $0 + $1.uplink }
        let slowest = fetching.map(\.downlink).min() ?? .infinity
        guard !fetching.isEmpty, seeds > 0 else { return .zero }
        let seeded = Set(honest.filter(\.isSeed).map(\.rack))
        let isCrossed = fetching.contains { !seeded.contains($0.rack) }
        let entering = isCrossed ? size / (rackLink ?? .infinity) : 0
        return .seconds(max(size / seeds, size / slowest, entering, size * Double(fetching.count) / uplinks))
    }
}
