# SPDX-License-Identifier: Apache-2.0
"""The honest ones, each on a host of its own, and the host of those who are not."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path

from network import CaseFailure, Host, Network, Program, eventually, run

_PROGRAMS = Path(os.environ["DROVER_BIN"])
_DROVER = _PROGRAMS / "drover"
_PEER_PORT = 6881
_TRACKER_PORT = 6969
_IMAGE_LENGTH = 32 << 20
# From where attackers come, over IPv4 and IPv6.
_STRANGERS = ("10.211.0.0/16", "fd00:bad::/64")
_LOOPBACK = "127.0.0.0/8"

LISTENERS = ["peer, IPv4", "peer, IPv6", "peer, loopback", "peer, joined", "tracker", "control socket"]


class Stage:
    """A tracker, a seed with two masters, two leechers, and the attacker, who has two whole networks of addresses."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.folder = folder
        self._network = network
        self._tracker_host = network.host("tracker")
        self._seed_host = network.host("seed")
        self._attacker = network.host("attacker")
        self._leechers = {version: network.host(f"leecher-{version}") for version in (1, 2)}
        self._add_addresses()
        self.tracker = self._start_tracker()
        self.seed = self._start_seed()

    def ways(self, listener: str) -> list[tuple[Host, list[str]]]:
        """The hosts from which a listener is attacked, each with the target, and the network to come from."""
        seed, tracker = self._seed_host, self._tracker_host
        return {
            "peer, IPv4": [(self._attacker, [f"{seed.address},{_PEER_PORT}", _STRANGERS[0]])],
            "peer, IPv6": [(self._attacker, [f"{self._ipv6(seed)},{_PEER_PORT}", _STRANGERS[1]])],
            "peer, joined": [(self._attacker, [f"{seed.address},{_PEER_PORT}", _STRANGERS[0]])],
            "peer, loopback": [(seed, [f"127.0.0.1,{_PEER_PORT}", _LOOPBACK])],
            "tracker": [
                (self._attacker, [f"{tracker.address},{_TRACKER_PORT}", _STRANGERS[0]]),
                (self._attacker, [f"{self._ipv6(tracker)},{_TRACKER_PORT}", _STRANGERS[1]]),
            ],
            "control socket": [(seed, [str(self._store(seed) / "control.sock")])],
        }[listener]

    def openings(self, listener: str) -> list[tuple[bytes, bytes]]:
        """How clients of a listener begin, and how they might go on."""
        endless = b"x" * 1000
        headers = b" HTTP/1.1\r\nHost: drover\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        if listener == "tracker":
            return [(b"GET /announce?info_hash=", endless), (b"PUT /api/v1/masters/slow/1" + headers, endless)]
        if listener == "control socket":
            return [(b"GET /v1/status?", endless), (b"POST /v1/perform" + headers, endless)]
        handshake = b"\x13BitTorrent protocol" + bytes.fromhex("0000000000100004") + self._info_hash
        if listener == "peer, joined":
            # Whole handshakes, then messages of which the length is never followed by all of it.
            return [(handshake + b"-XX0000-NUMBERjoined", b"\0\0\x40\x09\x07" + endless)]
        return [(handshake, b"-XX0000-no last one")]

    def fetch(self, version: int, limit: float) -> float:
        """An honest fetch by a peer that is new; how long it took, in seconds."""
        leecher = self._leechers[version]
        begun = time.monotonic()
        peer = self._start_peer(leecher, leecher.at(_PEER_PORT))
        fetch = leecher.start(
            [_DROVER, "master", "fetch", self._torrent(version), "--wait", "--store", self._store(leecher)],
            "drover master fetch")
        eventually("the honest fetch is done", lambda: fetch.status is not None, [peer], limit)
        if fetch.status != 0:
            raise CaseFailure(f"the honest fetch ended with status {fetch.status}")
        return time.monotonic() - begun

    @property
    def _info_hash(self) -> bytes:
        """Of the second master, as it stands in a handshake."""
        shown = run([_DROVER, "master", "inspect", "--format", "json", self._torrent(2)])
        return bytes.fromhex(json.loads(shown)["infoHashV2"])[:20]

    def publish(self) -> None:
        """An honest publisher puts a master into the catalogue."""
        run([
            _DROVER, "master", "publish", "base@1", "--tracker", self._tracker_url,
            "--store", self._store(self._seed_host)])

    @property
    def _tracker_url(self) -> str:
        return f"http://{self._tracker_host.at(_TRACKER_PORT)}"

    def _store(self, host: Host) -> Path:
        return host.folder / "store"

    def _torrent(self, version: int) -> Path:
        return self.folder / f"{version}.torrent"

    def _ipv6(self, host: Host) -> str:
        return f"fd00:d1::{self._network.hosts.index(host) + 1}"

    def _add_addresses(self) -> None:
        for host in self._network.hosts:
            host.ip(f"address add {self._ipv6(host)}/64 dev eth0 nodad")
        gateways = (self._attacker.address, self._ipv6(self._attacker))
        for host in self._network.hosts:
            if host is not self._attacker:
                host.ip(*[f"route add {network} via {gateway}" for network, gateway in zip(_STRANGERS, gateways)])
        # Each address in them is the attacker's own, without being named.
        self._attacker.ip(*[f"route add local {network} dev lo" for network in _STRANGERS])

    def _start_tracker(self) -> Program:
        def answers() -> bool:
            with urllib.request.urlopen(f"{self._tracker_url}/healthz", timeout=10):
                return True

        tracker = self._tracker_host.start(
            [_PROGRAMS / "drover-tracker", "run", "--listen", f"[::]:{_TRACKER_PORT}",
             "--database", self._tracker_host.folder / "tracker.sqlite"], "drover-tracker")
        eventually("the tracker answers", answers, [tracker])
        return tracker

    def _start_seed(self) -> Program:
        image = self.folder / "image"
        for version in self._leechers:
            image.write_bytes(os.urandom(_IMAGE_LENGTH))
            run([
                _DROVER, "master", "create", image, "--name", "base", "--version", str(version),
                "--source-format", "raw", "--store", self._store(self._seed_host), "--out", self._torrent(version),
                "--tracker", self._tracker_url])
        return self._start_peer(self._seed_host, f"[::]:{_PEER_PORT}")

    def _start_peer(self, host: Host, listen: str) -> Program:
        store = self._store(host)
        peer = host.start([_DROVER, "peer", "run", "--store", store, "--listen", listen], f"drover peer, {host.name}")
        eventually(f"the peer of {host.name} runs", (store / "control.sock").exists, [peer])
        return peer
