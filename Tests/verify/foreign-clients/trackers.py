# SPDX-License-Identifier: Apache-2.0
"""Drover's tracker and a foreign one."""

from __future__ import annotations

import os
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path

import libtorrent

from debian import package_version, packaged
from network import Host

_PORT = 6969


def wire_hashes(torrent: Path) -> list[bytes]:
    """The info-hashes that a torrent's peers announce, that of version 1 first; version 2's is cut to 20 bytes."""
    hashes = libtorrent.torrent_info(str(torrent)).info_hashes()
    both = ([hashes.v1.to_bytes()] if hashes.has_v1() else []) + ([hashes.v2.to_bytes()] if hashes.has_v2() else [])
    return [whole[:20] for whole in both]


class Tracker(ABC):
    name: str

    def __init__(self, host: Host) -> None:
        self.host = host

    @staticmethod
    @abstractmethod
    def version() -> str: ...

    @property
    def url(self) -> str:
        """What peers announce to."""
        return f"http://{self.host.at(_PORT)}/announce"

    @abstractmethod
    def start(self, torrent: Path) -> None: ...

    def has_seed(self, torrent: Path) -> bool:
        """Whether it knows a seed that every client finds."""
        info_hash = wire_hashes(torrent)[0]
        query = "info_hash=" + urllib.parse.quote(info_hash, safe="")
        with urllib.request.urlopen(f"http://{self.host.at(_PORT)}/scrape?{query}", timeout=10) as answer:
            files = libtorrent.bdecode(answer.read())[b"files"]
        return info_hash in files and files[info_hash][b"complete"] > 0


class DroverTracker(Tracker):
    name = "Drover"

    @staticmethod
    def version() -> str:
        return ""

    def start(self, torrent: Path) -> None:
        self.host.start(
            [Path(os.environ["DROVER_BIN"]) / "drover-tracker", "run", "--listen", self.host.at(_PORT),
             "--database", self.host.folder / "tracker.sqlite"], "drover-tracker")


class DroverDatagramTracker(DroverTracker):
    name = "Drover (UDP)"

    @property
    def url(self) -> str:
        return f"udp://{self.host.at(_PORT)}/announce"


class OpenTracker(Tracker):
    name = "opentracker"

    @staticmethod
    def version() -> str:
        return package_version("opentracker")

    def start(self, torrent: Path) -> None:
        # Debian's is built to serve listed info-hashes only.
        (self.host.folder / "listed").write_text("".join(f"{one.hex()}\n" for one in wire_hashes(torrent)))
        configuration = self.host.folder / "configuration"
        configuration.write_text(
            f"listen.tcp_udp {self.host.at(_PORT)}\naccess.whitelist listed\ntracker.rootdir {self.host.folder}\n"
            "tracker.user nobody\n")
        self.host.start([*packaged("usr/bin/opentracker"), "-f", configuration], "opentracker")


class OpenTrackerDatagram(OpenTracker):
    name = "opentracker (UDP)"

    @property
    def url(self) -> str:
        return f"udp://{self.host.at(_PORT)}/announce"
