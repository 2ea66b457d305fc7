// SPDX-License-Identifier: Apache-2.0

import Metainfo
package import PeerProtocol

/// Every bound of the download and upload machinery, in one place.
package struct SwarmLimits: Sendable {
    /// Connections of one image.
    package var connections = 64
    /// Connections up to which this side looks for more. Less than ``connections``, so that there is room for those who
    /// come later.
    package var connectionsSought = 32
    /// HTTP servers fetched from, of those that the metainfo names.
    package var webSeeds = 8
    /// Connection attempts under way at once.
    package var dials = 8
    /// How long a connection on which neither side wants anything is kept while others might bring something.
    package var idlePatience = Duration.seconds(10)
    /// Addresses remembered per image.
    package var knownAddresses = 2000
    /// Peers served at once; more than that many interested ones take turns.
    package var uploadSlots = 32
    /// How long a served peer keeps its slot while others wait.
    package var slotTerm = Duration.seconds(1)
    /// The same for one that takes nothing.
    package var unusedSlotTerm = Duration.seconds(5)
    /// A slot is not taken away before this many bytes went through it, so that its holder can finish something …
    package var slotLength: Int64 = 4 << 20
    /// … unless that takes longer than this.
    package var longestSlotTerm = Duration.seconds(60)
    /// The most pieces of which it is remembered who was the first to be given them.
    package var firstCopies = 65_536
    /// How many of such pieces a peer must have to itself, before it may be served last, and for how long it is then.
    package var keptCopies = 8
    package var keeperTerm = Duration.seconds(10)
    /// How many other peers must be taking something for such a peer to wait.
    package var enoughServed = 4
    /// Requests of one peer that wait to be served; also what the extended handshake offers as `reqq`.
    package var queuedRequests = 2000
    /// Consecutive blocks asked for with one request, where the peer takes that: 256 KiB. Not more than one read serves.
    package var blocksPerRequest = 16
    /// How many requests a pipeline holds at least, where several blocks are asked for at once.
    package var requestsPerPipeline = 32
    /// Blocks served by one read: at least, and at most.
    package var fewestBlocksPerRead = 4
    package var blocksPerRead = 32
    /// How many seconds' worth of what a peer takes one read should cover. What waits to be sent keeps news from the peer,
    /// such as of a piece that this side has now.
    package var readTime = 0.05
    /// Reads of one connection under way or waiting for its socket.
    package var readsInFlight = 2
    /// Pieces that wait to be announced along with something else, and how few others must have a piece for it to be
    /// announced at once.
    package var unmentionedPieces = 64
    package var urgentCopies = 2
    /// Reports that one peer's messages may cause between two ticks, beyond one for each piece it may announce.
    package var reportsPerTick = 4096
    /// How often one peer may say all that it has, between two ticks, and of how many pieces in all; but always twice.
    package var bitfieldsPerTick = 32
    package var bitfieldPiecesPerTick = 65_536
    /// Outstanding requests on one connection: at least, at first, and at most.
    package var minimumPipeline = 4
    package var initialPipeline = 8
    package var maximumPipeline = 512
    /// Blocks on loan that have not been requested yet: with fewer than these more are sought, and at least so many.
    package var shortestBacklog = 1
    package var fewestBlocksSought = 2
    /// How much time, beyond the measured delay, the pipeline of outstanding requests should cover at the measured rate.
    package var pipelineTime = 0.15
    /// Requests a peer may make while it is choked, beyond those that crossed the choke.
    package var chokedRequests = 300
    /// Blocks that may arrive without having been asked for (late answers), before it counts as a violation.
    package var unrequestedBlocks = 64
    /// Cancelled requests whose answers may still arrive.
    package var rememberedCancels = 2048
    /// Requests a peer that does not choke may reject in a row before its work goes to others.
    package var rejectedRequests = 64
    /// How long the blocks asked of a peer that choked are kept for it.
    package var chokePatience = Duration.seconds(5)
    /// How long a peer may leave requests unanswered before its work goes to others.
    package var stallTimeout = Duration.seconds(10)
    /// How long a stalled peer may stay.
    package var stallLimit = Duration.seconds(60)
    /// A connection on which nothing arrives for this long is closed.
    package var idleTimeout = Duration.seconds(120)
    /// Silence after which a keep-alive is sent.
    package var keepAliveInterval = Duration.seconds(90)
    /// How long a peer's word counts that it fetches a piece from somebody who has everything.
    package var claimTerm = Duration.seconds(10)
    /// Pieces that one peer may claim at one time, and that its words may name between two ticks.
    package var claimsPerPeer = 256
    package var claimsPerTick = 512
    /// Peers of this side's rack among which pieces of other racks are divided.
    package var importers = 16
    /// How long this side may have nothing to ask of somebody who has everything, before it asks for what others fetch there
    /// or have.
    package var sparingPatience = Duration.seconds(3)
    /// The same for somebody in another rack who has what peers of this side's rack have or fetch, while less than half of what
    /// may be under way is.
    package var importPatience = Duration.seconds(10)
    /// How long it is then asked for anything, whatever others say.
    package var unsparedTime = Duration.seconds(10)
    /// The same while nothing else is under way either, as when the last pieces are held up by somebody who claimed them.
    package var idleSparingPatience = Duration.milliseconds(100)
    package var idleUnsparedTime = Duration.seconds(1)
    /// Pieces that somebody who has everything offers to one peer at one time: at least, at most, how many seconds' worth, and
    /// into how many parts for each peer it divides what is left.
    package var fewestSuggestions = 2
    package var suggestions = 256
    package var suggestionTime = 0.5
    package var suggestionShares = 2
    /// How long a peer that takes nothing may leave what it is offered, and how many other pieces it may take instead.
    package var suggestionTerm = Duration.seconds(10)
    package var ignoredSuggestions = 16
    /// How long after an offer it is waited for the next one; or twice as long as a piece takes, which counts up to so long.
    package var guidance = Duration.seconds(1)
    package var longestPieceTime = Duration.seconds(10)
    /// Bytes a second that a peer must bring before what it has is left to it.
    package var leastUsefulRate = 1024.0
    /// Those who have everything are spared while each of them has this many others to serve.
    package var sparedAmong = 3
    /// When no extent is free, one that a peer has had for this long, and for so many times as long as most take, is also
    /// asked of another.
    package var stealAfter = Duration.seconds(1)
    package var stealSlowness = 3.0
    package var longestStealAfter = Duration.seconds(10)
    /// The most connections that fetch the same extent.
    package var extentHolders = 6
    /// How long the one source of a piece that failed before may bring nothing of it, while others could.
    package var soleSourcePatience = Duration.seconds(120)
    /// Pieces that did not match and of which the wrong blocks are being found out or fetched again, at one time; each
    /// keeps its leaves, at most 256 KiB. Beyond that a piece is fetched again whole.
    package var disputes = 16
    /// Peers that are asked for the leaves of one such piece, one after another, before it is fetched again whole.
    package var leafSources = 8
    /// Pieces whose leaves one peer is asked for at one time.
    package var leafInquiries = 8
    /// How long a peer may take to give a piece's leaves, before another is asked.
    package var leafPatience = Duration.seconds(5)
    /// Hash requests of one peer that wait to be answered.
    package var queuedHashRequests = 16
    /// What one peer's hash requests may cost at once, in blocks read, and what is added to it twice a second.
    package var hashAllowance = 4096
    package var hashAllowancePerTick = 512
    /// A connection that ends sooner than this without having carried a block counts as a failed attempt.
    package var shortestConnection = Duration.seconds(10)
    /// Connections that are gone and that an unfinished piece came from, remembered in case it is wrong.
    package var rememberedSources = 64
    /// Pieces that are fetched at one time; or as many as these bytes, or this time's worth, where that is more. What is asked for
    /// early is asked of those who have it first, and waits there while others get it.
    package var piecesUnderWay = 16
    package var bytesUnderWay = 32 << 20
    package var timeUnderWay = 1.0 / 3
    /// A piece that takes longer than this does not count: who brings it is slow, and the link has room for others.
    package var pieceTerm = Duration.seconds(1)
    /// How many of those who wait for work are looked at when a piece has come.
    package var fedAtOnce = 4
    /// Work handed out at once, in bytes.
    package var batchLength = 4 << 20

    /// The longest request that is made or answered, in bytes.
    package var longestRequest: Int { blocksPerRequest * PieceGeometry.blockLength }

    package init() {}

    /// The longest messages taken about an image of so many pieces.
    package func messages(pieceCount: Int) -> MessageLimits {
        var limits = MessageLimits(pieceCount: pieceCount)
        limits.blockLength = longestRequest
        return limits
    }
}
