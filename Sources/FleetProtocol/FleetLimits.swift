// SPDX-License-Identifier: Apache-2.0

/// What the fleet's documents may hold. Whoever reads one checks these before anything is done with it.
package enum FleetLimits {
    /// Bytes of a whole document from a host, and to it.
    package static let hostDocumentBytes = 256 << 10
    /// Bytes of what a host says of itself.
    package static let factsBytes = 64 << 10
    /// Bytes of a whole document from an operator.
    package static let operatorDocumentBytes = 64 << 10
    /// Lines of masters that a host has orders about, or speaks of.
    package static let lines = 256
    /// Versions of one line that a host speaks of.
    package static let versions = 256
    /// Fetches and peers of one host that are shown, and parts of an image whose progress is.
    package static let fetches = 8
    package static let neighbours = 16
    package static let mapCells = 128
    /// Labels of one host.
    package static let labels = 64
    /// Bytes of a host's name.
    package static let hostNameBytes = 253
    /// Bytes of a label's name or value, of a state's or a step's word, of an epoch.
    package static let wordBytes = 63
    /// Bytes of a sentence or of a reference to a log.
    package static let textBytes = 500
    /// Bytes of a failed step's log.
    package static let logBytes = 64 << 10
    /// Bytes of a selector, a list of waves or of canaries.
    package static let expressionBytes = 16 << 10
    /// Hosts of one plan, and waves.
    package static let hosts = 20_000
    package static let waves = 500
    /// Entries of one page of a list.
    package static let page = 1000
    /// Entries of a page of whole hosts.
    package static let hostPage = 100
    /// The longest time in seconds that a host may ask for an answer to be kept back until there is something new.
    package static let longestWait = 60
}
