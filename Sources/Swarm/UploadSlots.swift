// SPDX-License-Identifier: Apache-2.0

/// The slots of all peers, in the order of their connections' numbers. They lie side by side and apart from all else that is known of
/// a peer: a look at one in a dictionary of views costs a copy of the view.
struct UploadSlots: Sendable {
    private(set) var ids: [Swarm.ConnectionID] = []
    private(set) var all: [UploadSlot] = []

    /// A connection's slot; setting one that is not there changes nothing.
    subscript(id: Swarm.ConnectionID) -> UploadSlot? {
        get {
            let place = place(of: id)
            return ids.indices.contains(place) && ids[place] == id ? all[place] : nil
        }
        set {
            let place = place(of: id)
            guard let newValue, ids.indices.contains(place), ids[place] == id else { return }
            all[place] = newValue
        }
    }

    mutating func add(_ slot: UploadSlot, of id: Swarm.ConnectionID) {
        let place = place(of: id)
        ids.insert(id, at: place)
        all.insert(slot, at: place)
    }

    mutating func remove(_ id: Swarm.ConnectionID) {
        let place = place(of: id)
        guard ids.indices.contains(place), ids[place] == id else { return }
        ids.remove(at: place)
        all.remove(at: place)
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
