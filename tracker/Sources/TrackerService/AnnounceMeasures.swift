// SPDX-License-Identifier: Apache-2.0

import Exposition

/// What became of announces since the tracker's start.
struct AnnounceMeasures: Sendable {
    /// How long those took that were answered.
    let http: Histogram
    let udp: Histogram
    /// Those that were turned away for want of time.
    let httpShed: UInt64
    let udpShed: UInt64

    /// From a tenth of what one takes on an idle machine to what its peer takes for lost.
    static let bounds = [0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 15]
}
