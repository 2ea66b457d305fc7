# SPDX-License-Identifier: Apache-2.0
"""Attacks every listener in turn, fresh programs each time, and does an honest fetch meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "support"))

from network import CaseFailure, Host, Network, Program, eventually, run  # noqa: E402

_PROGRAMS = Path(os.environ["DROVER_BIN"])
_DROVER = _PROGRAMS / "drover"
_CONNECTIONS = 10_000
_GROWTH_LIMIT = 64.0
# The attack goes on for this long before the honest fetch: longer than a connection may take until it says who it is.
_BEFORE = 15.0
_FETCH_LIMIT = 60.0
_SOURCES = ("10.211.0.0/16", "fd00:bad::/64")


class Memory:
    """The resident memory of some programs, looked at five times a second."""

    def __init__(self, programs: dict[str, Program]) -> None:
        self._programs = programs
        self.before = self._look()
        self._peak = dict(self.before)
        self._end = Event()
        self._watcher = Thread(target=self._watch)
        self._watcher.start()

    def growth(self) -> dict[str, float]:
        """The most that each has grown by, in MiB; ends the watch."""
        self._end.set()
        self._watcher.join()
        return {name: peak - self.before[name] for name, peak in self._peak.items()}

    def _watch(self) -> None:
        while not self._end.wait(0.2):
            for name, size in self._look().items():
                self._peak[name] = max(self._peak[name], size)

    def _look(self) -> dict[str, float]:
        return {name: self._resident(program.pid) for name, program in self._programs.items()}

    @staticmethod
    def _resident(pid: int) -> float:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise CaseFailure(f"process {pid} has ended")


class Stage:
    """A tracker, a seed with two masters, two leechers and an attacker, on hosts of their own."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.folder = folder
        self.network = network
        self.tracker_host, self.seed_host, self.attacker = (network.host(name) for name in ("tracker", "seed", "attacker"))
        self.leechers = [network.host(name) for name in ("before", "meanwhile")]
        hosts = network.hosts
        for place, host in enumerate(hosts, 1):
            host.ip(f"address add fd00:d1::{place}/64 dev eth0 nodad")
        for place, host in enumerate(hosts, 1):
            if host is not self.attacker:
                via = (self.attacker.address, f"fd00:d1::{hosts.index(self.attacker) + 1}")
                host.ip(*[f"route add {source} via {gateway}" for source, gateway in zip(_SOURCES, via)])
        # All of these addresses are the attacker's, without one line for each.
        self.attacker.ip(*[f"route add local {source} dev lo" for source in _SOURCES])
        self.tracker_url = f"http://{self.tracker_host.at(6969)}"
        self.tracker = self._start_tracker()
        self.seed = self._start_seed()

    def ipv6(self, host: Host) -> str:
        return f"fd00:d1::{self.network.hosts.index(host) + 1}"

    def store(self, host: Host) -> Path:
        return host.folder / "store"

    def torrent(self, version: int) -> Path:
        return self.folder / f"{version}.torrent"

    def fetch(self, leecher: Host, version: int, limit: float = _FETCH_LIMIT) -> float:
        """An honest fetch by a new peer; how long it took, in seconds."""
        begun = time.monotonic()
        peer = leecher.start(
            [_DROVER, "peer", "run", "--store", self.store(leecher), "--listen", leecher.at(6881)], "leecher's peer")
        eventually("the leecher runs", (self.store(leecher) / "control.sock").exists, [peer])
        fetch = leecher.start(
            [_DROVER, "master", "fetch", self.torrent(version), "--wait", "--store", self.store(leecher)],
            "drover master fetch")
        eventually("the honest fetch is done", lambda: fetch.status is not None, [peer], limit)
        if fetch.status != 0:
            raise CaseFailure(f"the honest fetch ended with status {fetch.status}")
        return time.monotonic() - begun

    def info_hash(self) -> bytes:
        said = json.loads(run([_DROVER, "inspect", "--json", self.torrent(1)]))
        return bytes.fromhex(said["infoHashV2"])[:20]

    def _start_tracker(self) -> Program:
        tracker = self.tracker_host.start(
            [_PROGRAMS / "drover-tracker", "run", "--listen", "[::]:6969",
             "--database", self.tracker_host.folder / "tracker.sqlite"], "drover-tracker")
        eventually("the tracker answers", lambda: bool(urllib.request.urlopen(f"{self.tracker_url}/healthz")), [tracker])
        return tracker

    def _start_seed(self) -> Program:
        image = self.folder / "image"
        for version in (1, 2):
            image.write_bytes(os.urandom(32 << 20))
            run([_DROVER, "master", "create", image, "--name", "base", "--version", str(version), "--source-format", "raw",
                 "--store", self.store(self.seed_host), "--out", self.torrent(version), "--tracker", self.tracker_url])
        seed = self.seed_host.start(
            [_DROVER, "peer", "run", "--store", self.store(self.seed_host), "--listen", "[::]:6881"], "seed's peer")
        eventually("the seed runs", (self.store(self.seed_host) / "control.sock").exists, [seed])
        return seed


@dataclass(frozen=True)
class Attack:
    """Whom it is against, and from where."""

    listener: str
    host: str
    family: int
    source: str | None

    def start(self, stage: Stage) -> list[Program]: ...


def main(words: Sequence[str]) -> int:
    raise NotImplementedError
