# SPDX-License-Identifier: Apache-2.0
"""Drover and the foreign clients, each as something that can hold an image and pass it on."""

from __future__ import annotations

import base64
import json
import os
import shutil
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import libtorrent

from debian import package_version, packaged
from network import CaseFailure, Host, Program, run

DROVER = Path(os.environ["DROVER_BIN"]) / "drover"
MASTER = "base@1"
FILE_NAME = f"{MASTER}.raw"
LISTEN_PORT = 6881


class Client(ABC):
    """A program that holds an image or fetches it, on a host of its own."""

    name: str

    def __init__(self, host: Host) -> None:
        self.host = host

    @staticmethod
    @abstractmethod
    def version() -> str: ...

    @abstractmethod
    def start(self, torrent: Path, image: Path | None) -> None:
        """Begins to seed the image, or without one to fetch it."""

    @abstractmethod
    def is_complete(self) -> bool:
        """Whether it has verified all of the image."""

    @property
    def image(self) -> Path:
        """Where it has the image."""
        return self.host.folder / FILE_NAME

    @property
    def watched(self) -> list[Program]:
        """What must not end while it is waited for."""
        return self.host.programs


class Drover(Client):
    """A peer. As a seed it has the master in its store before it starts."""

    name = "Drover"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.store = host.folder / "store"
        self._wanted: Path | None = None
        self._peer: Program | None = None
        self._fetch: Program | None = None

    @staticmethod
    def version() -> str:
        return run([DROVER, "--version"]).strip()

    def start(self, torrent: Path, image: Path | None) -> None:
        if image is None:
            self._wanted = torrent
        self._peer = self.host.start(
            [DROVER, "peer", "run", "--store", self.store, "--listen", self.host.at(LISTEN_PORT)], "drover peer")

    def is_complete(self) -> bool:
        if not (self.store / "control.sock").exists():
            return False
        if self._wanted is None:
            return True
        if self._fetch is None:
            # Only now is it the peer that fetches, and not the command by itself.
            self._fetch = self.host.start(
                [DROVER, "master", "fetch", self._wanted, "--wait", "--store", self.store], "drover master fetch")
        if self._fetch.status not in (None, 0):
            raise CaseFailure(f"drover master fetch ended with status {self._fetch.status}")
        return self._fetch.status == 0

    @property
    def image(self) -> Path:
        return self.store / "masters" / FILE_NAME

    @property
    def watched(self) -> list[Program]:
        return [self._peer] if self._peer else []


class Libtorrent(Client):
    name = "libtorrent"

    @staticmethod
    def version() -> str:
        return str(libtorrent.__version__)

    def start(self, torrent: Path, image: Path | None) -> None:
        if image:
            shutil.copy(image, self.image)
        script = Path(__file__).with_name("libtorrent_client.py")
        self.host.start(["/usr/bin/python3", "-B", script, torrent, self.host.folder, self.host.at(LISTEN_PORT)])

    def is_complete(self) -> bool:
        return (self.host.folder / "complete").exists()


class Aria2(Client):
    name = "aria2"

    @staticmethod
    def version() -> str:
        return package_version("aria2")

    def start(self, torrent: Path, image: Path | None) -> None:
        if image:
            shutil.copy(image, self.image)
        hook = self.host.folder / "hook"
        hook.write_text(f"#!/bin/sh\ntouch {self.host.folder}/complete\n")
        hook.chmod(0o755)
        self.host.start([
            *packaged("usr/bin/aria2c"), "--no-conf", f"--dir={self.host.folder}", f"--listen-port={LISTEN_PORT}",
            # As it comes: without DHT it would not ask trackers over UDP either. No other network is there to be asked,
            # and nobody here tells it of a node.
            "--enable-dht=true", f"--dht-file-path={self.host.folder}/dht.dat", "--enable-dht6=false",
            "--check-integrity=true", "--file-allocation=none", "--seed-ratio=0.0", f"--on-bt-download-complete={hook}",
            "--show-console-readout=false", "--summary-interval=0", "--console-log-level=notice", torrent,
        ], "aria2c")

    def is_complete(self) -> bool:
        return (self.host.folder / "complete").exists()


class Transmission(Client):
    name = "Transmission"
    _RPC_PORT = 9091
    _SEEDING = 6

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._torrent: Path | None = None
        self._session = ""

    @staticmethod
    def version() -> str:
        return package_version("transmission-daemon")

    def start(self, torrent: Path, image: Path | None) -> None:
        if image:
            shutil.copy(image, self.image)
        self._torrent = torrent
        family = "ipv6" if ":" in self.host.address else "ipv4"
        settings = {
            "download-dir": str(self.host.folder), f"bind-address-{family}": self.host.address,
            "rpc-bind-address": self.host.address, "rpc-port": self._RPC_PORT, "rpc-whitelist-enabled": False,
            "rpc-host-whitelist-enabled": False, "dht-enabled": False, "port-forwarding-enabled": False,
            "message-level": 4,
        }
        configuration = self.host.folder / "configuration"
        configuration.mkdir()
        (configuration / "settings.json").write_text(json.dumps(settings))
        daemon = packaged("usr/bin/transmission-daemon")
        self.host.start([*daemon, "--foreground", "--config-dir", configuration], "transmission-daemon")

    def is_complete(self) -> bool:
        if self._torrent is not None:
            content = base64.b64encode(self._torrent.read_bytes()).decode()
            self._ask("torrent-add", {"metainfo": content, "download-dir": str(self.host.folder)})
            self._torrent = None
        torrents = self._ask("torrent-get", {"fields": ["status", "leftUntilDone", "sizeWhenDone", "errorString"]})
        return all(
            torrent["status"] == self._SEEDING and torrent["leftUntilDone"] == 0 and torrent["sizeWhenDone"] > 0
            for torrent in torrents["torrents"])

    def _ask(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One call; the first is answered with the session's name, which every later one has to show."""
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        for _ in range(2):
            request = urllib.request.Request(
                f"http://{self.host.at(self._RPC_PORT)}/transmission/rpc", body,
                {"X-Transmission-Session-Id": self._session})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    reply = json.load(answer)
                if reply["result"] != "success":
                    raise CaseFailure(f"Transmission, {method}: {reply['result']}")
                return dict(reply["arguments"])
            except urllib.error.HTTPError as refusal:
                if refusal.code != 409:
                    raise
                self._session = refusal.headers["X-Transmission-Session-Id"]
        raise ConnectionError("Transmission names another session each time")


class Nginx(Client):
    """A web seed: it only has the image, under the URL that the torrent names."""

    name = "nginx"
    _PORT = 8080

    @staticmethod
    def version() -> str:
        return package_version("nginx")

    @property
    def url(self) -> str:
        return f"http://{self.host.at(self._PORT)}/{FILE_NAME}"

    def start(self, torrent: Path, image: Path | None) -> None:
        if image is None:
            raise CaseFailure("nginx cannot fetch")
        shutil.copy(image, self.image)
        folder = self.host.folder
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"daemon off; user root; pid {folder}/pid;\nevents {{ }}\n"
            f"http {{ access_log {folder}/access.log;\n{temporary}"
            f"server {{ listen {self.host.at(self._PORT)}; root {folder}; }} }}\n")
        self.host.start([*packaged("usr/sbin/nginx"), "-e", "stderr", "-c", configuration], "nginx")

    def is_complete(self) -> bool:
        with urllib.request.urlopen(urllib.request.Request(self.url, method="HEAD"), timeout=10) as answer:
            return bool(answer.status == 200)
