# SPDX-License-Identifier: Apache-2.0
"""What is tried: who has the image, who fetches it, and how they find each other."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clients import DROVER, MASTER, Aria2, Client, Drover, Libtorrent, Nginx, Transmission
from network import CaseFailure, Network, eventually, run
from trackers import DroverDatagramTracker, DroverTracker, OpenTracker, OpenTrackerDatagram, Tracker

FOREIGN: list[type[Client]] = [Libtorrent, Transmission, Aria2]


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    seed: type[Client]
    leechers: tuple[type[Client], ...]
    tracker: type[Tracker] | None
    hybrid: bool
    ipv6: bool
    # A cap on the seed, so that leechers have a reason to fetch from each other.
    seed_rate: str | None = None

    @property
    def clients(self) -> str:
        """The foreign programs it is about."""
        peers = [client for client in (self.seed, *self.leechers) if client is not Drover]
        names = dict.fromkeys(client.name for client in peers)
        return ", ".join(names) or (self.tracker.name if self.tracker else "")

    @property
    def versions(self) -> str:
        versions = dict.fromkeys(client.version() for client in (self.seed, *self.leechers) if client is not Drover)
        return ", ".join(versions) or (self.tracker.version() if self.tracker else "")

    @property
    def direction(self) -> str:
        if self.seed is Drover and self.leechers == (Drover,):
            return "tracker between a Drover seed and a Drover leecher"
        if self.seed is Nginx:
            return "web seed, the only source of a Drover leecher"
        if self.seed is Drover and len(self.leechers) == 1:
            return "leecher from a Drover seed"
        if self.leechers == (Drover,):
            return "seed for a Drover leecher"
        return f"{self.seed.name} seeds, the others fetch" + (", Drover too" if Drover in self.leechers else "")

    @property
    def cells(self) -> list[str]:
        """The row, without its result."""
        return [
            self.clients, self.versions, self.direction, "hybrid" if self.hybrid else "v2",
            self.tracker.name if self.tracker else "none", "IPv6" if self.ipv6 else "IPv4"]

    def run(self, network: Network, image: Path, folder: Path) -> None:
        """Ends when every leecher has an image that is byte for byte the seed's."""
        tracker = self.tracker(network.host("tracker")) if self.tracker else None
        seed = self.seed(network.host("seed"))
        leechers = [leecher(network.host(leecher.name)) for leecher in self.leechers]
        torrent = self._make_torrent(seed, tracker, image, folder)
        if tracker:
            tracker.start(torrent)
        seed.start(torrent, image)
        eventually("the seed has its image", seed.is_complete, seed.watched)
        if isinstance(seed, Drover) and self.seed_rate:
            run([DROVER, "limit", "--up", self.seed_rate, "--store", seed.store])
        if tracker:
            # Otherwise the leechers might ask too early, and only ask again after the tracker's interval.
            eventually("the tracker knows the seed", partial(tracker.has_seed, torrent), seed.watched)
        for leecher in leechers:
            leecher.start(torrent, None)
        for leecher in leechers:
            eventually(f"{leecher.name} has the image", leecher.is_complete, leecher.watched)
        if self.seed_rate and network.sent(seed.host) > image.stat().st_size * len(leechers) / 2:
            raise CaseFailure("the leechers did not get half of it from each other")
        network.stop()
        for leecher in leechers:
            if not filecmp.cmp(image, leecher.image, shallow=False):
                raise CaseFailure(f"{leecher.name}'s image differs")

    def _make_torrent(self, seed: Client, tracker: Tracker | None, image: Path, folder: Path) -> Path:
        """Has Drover make the master, in the seed's store if that is Drover, and hands its .torrent on."""
        store = seed.store if isinstance(seed, Drover) else folder / "origin"
        torrent = folder / "base.torrent"
        name, version = MASTER.split("@")
        run([
            DROVER, "master", "create", image, "--name", name, "--version", version, "--source-format", "raw",
            "--store", store, "--out", torrent, *(["--hybrid"] if self.hybrid else []),
            *(["--tracker", tracker.url] if tracker else []),
            *(["--web-seed", seed.url] if isinstance(seed, Nginx) else []),
        ])
        return torrent


def cases() -> Iterator[Case]:
    for ipv6 in (False, True):
        kinds: list[tuple[type[Client], bool]] = [(Libtorrent, False), *((client, True) for client in FOREIGN)]
        for client, hybrid in kinds:
            yield Case(Drover, (client,), DroverTracker, hybrid, ipv6)
            yield Case(client, (Drover,), DroverTracker, hybrid, ipv6)
        yield Case(Drover, (Drover, *FOREIGN), DroverTracker, True, ipv6, seed_rate="100M")
        yield Case(Libtorrent, (Transmission, Aria2, Libtorrent), DroverTracker, True, ipv6)
        yield Case(Drover, (Drover,), OpenTracker, False, ipv6)
        yield Case(Drover, (Drover,), OpenTrackerDatagram, False, ipv6)
        yield Case(Libtorrent, (Drover,), OpenTracker, True, ipv6)
        yield Case(Libtorrent, (Transmission, Libtorrent), DroverDatagramTracker, True, ipv6)
        yield Case(Drover, (Libtorrent, Drover), DroverDatagramTracker, True, ipv6)
        if not ipv6:
            # It speaks to trackers over UDP on IPv4 only.
            yield Case(Drover, (Aria2,), DroverDatagramTracker, True, ipv6)
        yield Case(Nginx, (Drover,), None, False, ipv6)
