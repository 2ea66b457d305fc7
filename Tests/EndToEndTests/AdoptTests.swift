// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

extension EndToEnd {
    /// Masters that stay on a share. Here a plain folder is the share; `make verify SUITES=nfs` has a real one.
    @Suite struct AdoptedMasters {
        /// A master in the store `seed`, and a read-only copy of its image on the share.
        private static func prepare(_ fleet: Fleet) async throws -> (image: String, torrent: String) {
            let source = try await fleet.publish("base@1", in: "seed", mebibytes: 4)
            let image = "\(fleet.path("share"))/base.raw"
            #expect(mkdir(fleet.path("share"), 0o755) == 0)
            try writeFile(readFile(source), to: image)
            chmod(image, 0o444)
            return (image, "\(fleet.path("seed"))/masters/base@1.torrent")
        }

        @Test func `an image on a share is cloned in its place, and a lost share is said`() async throws {
            try await Fleet.run { fleet in
                let (image, torrent) = try await Self.prepare(fleet)
                let source = try readFile(image)
                let peer = try await fleet.peer("host", withTracker: false)
                let store = peer.store
                let adopted = try await droverDoes("master adopt \(image) --torrent \(torrent) --store \(store)")
                #expect(adopted.output.contains("\(image) (adopted)") && adopted.errors.isEmpty, "\(adopted)")
                let clones = try await droverDoes("clone create base vm --count 2 --store \(store)").lines
                #expect(clones == (1...2).map { "\(store)/clones/vm-\($0).qcow2" })
                try await tool("qemu-io", ["-f", "qcow2", "-c", "write -P 7 65536 4096", clones[0]])
                try await tool("qemu-img compare -q -F raw -f qcow2 \(clones[1]) \(image)")
                #expect(try readFile(image) == source)
                let machine = try await droverDoes("clone config vm-1 --for qemu --store \(store)").output
                #expect(machine.contains(clones[0]))
                let entry = try #require(try await peer.status().master("base@1"))
                #expect(entry.state == "registered" && entry.location == "adopted")
                // The torrent names a tracker; who is in no swarm announces nothing to it.
                #expect(try await peer.status().trackers.isEmpty, "it is not served")

                let away = fleet.path("away")
                #expect(rename(fleet.path("share"), away) == 0)
                let words = "\(image) is not there; is the share mounted?"
                #expect(try await droverDoes("clone list --store \(store)").output.contains(words))
                #expect(try await droverDoes("clone show vm-1 --store \(store)").output.contains(words))
                #expect(try await droverDoes("master show base --store \(store)").output.contains(words))
                #expect(try await droverDoes("master list --store \(store)").errors.contains(words))
                #expect(try await peer.status().master("base@1")?.failure == words)
                try await droverRefuses("clone create base more --store \(store)", with: 3, saying: words)
                try await droverRefuses("master verify base --store \(store)", with: 3, saying: words)
                try await droverRefuses("clone config vm-1 --for qemu --store \(store)", with: 5, saying: words)
                try await eventually("the log says so", within: .seconds(20)) {
                    peer.process.errors.contains("an adopted master cannot be used")
                }
                // A peer that starts without the share lives with it.
                peer.process.kill()
                #expect(try await peer.restart(withTracker: false).master("base@1")?.failure == words)
                #expect(rename(away, fleet.path("share")) == 0)
                #expect(try await droverDoes("clone show vm-1 --store \(store)").output.contains("ok"))
                #expect(try await peer.status().master("base@1")?.state == "registered")
                try await eventually("the log says so", within: .seconds(20)) {
                    peer.process.errors.contains("an adopted master can be used again")
                }
            }
        }

        @Test(arguments: [false, true])
        func `a changed image is not cloned, and removing forgets it only`(_ isRunning: Bool) async throws {
            try await Fleet.run { fleet in
                let (image, torrent) = try await Self.prepare(fleet)
                let source = try readFile(image)
                let store = fleet.path("host")
                if isRunning { _ = try await fleet.peer("host") }
                try await droverDoes("master adopt \(image) --torrent \(torrent) --as nfs@3 --store \(store)")
                try await droverDoes("clone create nfs vm --store \(store)")
                try flipByte(of: image, at: 1 << 20, keepingTime: true)
                #expect(try await droverDoes("clone list --store \(store)").output.contains("was changed since"))
                for backend in ["qcow2", "copy", "vhd"] {
                    try await droverRefuses(
                        "clone create nfs more --backend \(backend) --store \(store)", with: 8,
                        saying: "drover master verify nfs@3")
                }
                try await droverRefuses("master verify nfs --store \(store)", with: 8, saying: "1 of 64 pieces")
                try flipByte(of: image, at: 1 << 20)
                try await droverDoes("master verify nfs --store \(store)")
                for backend in ["copy", "vhd"] {
                    try await droverDoes("clone create nfs \(backend) --backend \(backend) --store \(store)")
                }
                #expect(try await areIdentical(image, "\(store)/clones/copy.raw"))
                try await droverRefuses("master remove nfs@3 --store \(store)", with: 5)
                try await droverDoes("clone remove vm copy vhd --store \(store)")
                try await droverDoes("master remove nfs@3 --store \(store)")
                #expect(try listing("\(store)/masters").isEmpty)
                #expect(try readFile(image) == source)
                #expect(try listing(fleet.path("share")) == ["base.raw 4194304"])
            }
        }

        @Test(arguments: [false, true])
        func `what cannot be adopted is refused, and nothing is left`(_ isRunning: Bool) async throws {
            try await Fleet.run { fleet in
                let (image, torrent) = try await Self.prepare(fleet)
                let store = fleet.path("host")
                if isRunning {
                    _ = try await fleet.peer("host")
                } else {
                    try await droverRefuses("master adopt \(image) --torrent \(image) --store \(store)", with: 1)
                    #expect(access(store, F_OK) != 0, "no store is made for a torrent that is none")
                }
                let wrong = "\(fleet.path("share"))/wrong.raw"
                try writeFile(readFile(image), to: wrong)
                try flipByte(of: wrong, at: 5 << 16)
                chmod(wrong, 0o444)
                for (words, status, part) in [
                    ("\(wrong) --torrent \(torrent)", 8, "the first is piece 5"),
                    ("\(torrent) --torrent \(torrent)", 8, "and the torrent's image 4194304"),
                    ("\(image).gone --torrent \(torrent)", 3, "no readable image"),
                    ("\(image) --torrent \(torrent).gone", 3, "there is no file"),
                    ("\(fleet.path("share")) --torrent \(torrent)", 1, "not a regular file"),
                    ("\(image) --torrent \(torrent) --as wrong", 2, "NAME@VERSION"),
                ] as [(String, Int32, String)] {
                    // A note about its mode is no failure.
                    try await droverRefuses(
                        "master adopt \(words) --quiet --store \(store)", with: status, saying: part)
                }
                #expect(try listing("\(store)/masters").isEmpty)
                chmod(image, 0o644)
                let noted = try await droverDoes("master adopt \(image) --torrent \(torrent) --store \(store)")
                #expect(noted.errors.contains("can be written to (mode 644)"), "\(noted)")
                try await droverRefuses(
                    "master adopt \(image) --torrent \(torrent) --quiet --store \(store)", with: 5, saying: "already")
            }
        }

        @Test(arguments: [false, true])
        func `an interrupted adoption leaves nothing`(_ isRunning: Bool) async throws {
            try await Fleet.run { fleet in
                let source = try makeImage(fleet.path("big.raw"), mebibytes: 512)
                let torrent = fleet.path("big.torrent")
                try await droverDoes(
                    "master create \(source) --name big --version 1 --out \(torrent) --store \(fleet.path("seed"))")
                let store = fleet.path("host")
                let peer = isRunning ? try await fleet.peer("host") : nil
                let words = "master adopt \(source) --torrent \(torrent) --store \(store)"
                let adopt = try fleet.start(Program.drover, words.split(separator: " ").map(String.init))
                let reader = peer?.process ?? adopt
                try await eventually("the image is being read", every: .milliseconds(2)) {
                    if adopt.exitStatus != nil { throw TestFailure("too late: \(adopt.errors)") }
                    return try await ChildProcess.run(
                        "find", ["/proc/\(reader.identifier)/fd", "-lname", source]
                    ).output.isEmpty == false
                }
                adopt.signal(SIGINT)
                let finished = try await adopt.finished(within: .seconds(10))
                #expect(finished.status == 130, "\(finished)")
                #expect(try listing("\(store)/masters").isEmpty)
                // The running peer lets go of the name a moment later.
                try await eventually("the name is free again", within: .seconds(20)) {
                    let again = try await drover(words)
                    guard [0, 5].contains(again.status) else { throw TestFailure("\(again)") }
                    return again.status == 0
                }
            }
        }
    }
}
