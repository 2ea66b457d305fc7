// SPDX-License-Identifier: Apache-2.0

/// The slots of all peers, in the order of their connections' numbers. They lie side by side and apart from all else that is known of
/// a peer: a look at one in a dictionary of views costs a copy of the view.
struct UploadSlots: Sendable {
    private(set) var ids: [Swarm.ConnectionID] = []
    private(set) var all: [UploadSlot] = []

    /// A connection's slot; setting one that is not there changes nothing.
    subscript(id: Swarm.ConnectionID) -> UploadSlot? {
        get { index(of: id).map { all[$0] } }
        set {
            guard let newValue, let index = index(of: id) else { return }
            all[index] = newValue
        }
    }

    mutating func add(_ slot: UploadSlot, of id: Swarm.ConnectionID) {
        let place = place(of: id)
        ids.insert(id, at: place)
        all.insert(slot, at: place)
    }

    mutating func remove(_ id: Swarm.ConnectionID) {
        guard let index = index(of: id) else { return }
        ids.remove(at: index)
        all.remove(at: index)
    }

    private func index(of id: Swarm.ConnectionID) -> Int? {
        let place = place(of: id)
        return place < ids.count && ids[place] == id ? place : nil
    }

    /// Where a connection is, or belongs.
    private func place(of id: Swarm.ConnectionID) -> Int {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2  // checked: both are at most as many as there are connections.
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
