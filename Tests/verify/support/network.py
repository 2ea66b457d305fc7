# SPDX-License-Identifier: Apache-2.0
"""Hosts on a bridge and the programs that run on them, inside the namespaces that in-namespaces has made."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Command = Sequence["str | Path"]

# How long anything may take that is waited for, in seconds.
PATIENCE = 60.0


class CaseFailure(Exception):
    """What was expected and did not happen."""


class Program:
    """A program that runs on a host; what it prints goes to a file."""

    def __init__(self, name: str, argv: Command, namespace: str | None, log: Path) -> None:
        self.name = name
        self.log = log
        enter = ["nsenter", f"--net=/run/netns/{namespace}", "--"] if namespace else []
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*enter, *argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.poll()

    def stop(self) -> None:
        """Lets it end by itself, if it does so soon."""
        if self.status is None:
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tail(self, lines: int = 15) -> str:
        printed = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- {self.name} (exit status {self.status})", *printed])


class Host:
    """A machine of the network, with one address."""

    def __init__(self, name: str, namespace: str, address: str, folder: Path) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self.programs: list[Program] = []
        self._namespace = namespace

    def at(self, port: int) -> str:
        """The host's address with a port, as it stands in a URL."""
        return f"[{self.address}]:{port}" if ":" in self.address else f"{self.address}:{port}"

    def ip(self, *lines: str) -> None:
        """Network commands on this host, in order."""
        _ip(*lines, namespace=self._namespace)

    def start(self, argv: Command, name: str | None = None) -> Program:
        name = name or self.name
        program = Program(name, argv, self._namespace, self.folder / f"{len(self.programs)}.log")
        self.programs.append(program)
        return program


class Network:
    """A bridge in the suite's own network, which so reaches every host, and hosts on it, all of one address family."""

    def __init__(self, number: int, ipv6: bool, folder: Path) -> None:
        self.hosts: list[Host] = []
        self._number = number
        self._prefix, self._length = (f"fd00:d0:{number:x}::", 64) if ipv6 else (f"10.210.{number}.", 24)
        self._folder = folder
        self._bridge = f"br{number}"
        _ip(f"link add {self._bridge} type bridge mcast_snooping 0 forward_delay 0",
            f"link set {self._bridge} up",
            self._address(254, self._bridge))

    def host(self, name: str) -> Host:
        """A further machine on the bridge."""
        place = len(self.hosts) + 1
        namespace, port = f"n{self._number}h{place}", f"p{self._number}h{place}"
        _ip(f"netns add {namespace}",
            f"link add {port} type veth peer name eth0 netns {namespace}",
            f"link set {port} master {self._bridge} up")
        folder = self._folder / f"{place}-{name}"
        folder.mkdir()
        # Some of the programs give up root's rights.
        folder.chmod(0o755)
        host = Host(name, namespace, f"{self._prefix}{place}", folder)
        host.ip("link set lo up", "link set eth0 up", self._address(place, "eth0"))
        self.hosts.append(host)
        return host

    @property
    def programs(self) -> list[Program]:
        return [program for host in self.hosts for program in host.programs]

    def sent(self, host: Host) -> int:
        """The bytes that a host has sent so far, headers included."""
        port = f"p{self._number}h{self.hosts.index(host) + 1}"
        return int(json.loads(run(["ip", "-s", "-json", "link", "show", port]))[0]["stats64"]["rx"]["bytes"])

    def stop(self) -> None:
        """Ends every program, all at the same time."""
        enders = [threading.Thread(target=program.stop) for program in self.programs]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()

    def remove(self) -> None:
        self.stop()
        _ip(*[f"netns delete n{self._number}h{place + 1}" for place in range(len(self.hosts))],
            f"link delete {self._bridge}")

    def _address(self, place: int, device: str) -> str:
        # Nobody else is there, so that an IPv6 address need not be probed for first.
        probing = " nodad" if ":" in self._prefix else ""
        return f"address add {self._prefix}{place}/{self._length} dev {device}{probing}"


def eventually(
    what: str, condition: Callable[[], bool], programs: Iterable[Program] = (), seconds: float = PATIENCE
) -> None:
    """Waits until the condition holds. A server that does not answer yet is a no; a program that ends is a failure."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        for program in programs:
            if program.status is not None:
                raise CaseFailure(f"{program.name} ended with status {program.status} before {what}")
        if time.monotonic() > end:
            raise CaseFailure(f"after {seconds:.0f} s: not yet {what}")
        time.sleep(0.1)


def run(argv: Command) -> str:
    """What a short command prints; it must succeed."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise CaseFailure(f"{' '.join(map(str, argv))}: status {done.returncode}: {said}")
    return done.stdout


def _ip(*lines: str, namespace: str | None = None) -> None:
    """Network commands, in order."""
    where = ["-n", namespace] if namespace else []
    subprocess.run(["ip", *where, "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)
