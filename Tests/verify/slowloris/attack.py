# SPDX-License-Identifier: Apache-2.0
"""Connections that never get to the point.

attack.py COUNT OPENINGS TARGET [SOURCE]

TARGET is “10.0.0.1,6881” or the path of a Unix socket. SOURCE is a prefix from whose hosts the connections come, such
as 10.211.0.0/16; each host makes eight. OPENINGS is a file whose lines are two words in hexadecimal: how a client
begins, and how it goes on; it never gets to the end. NUMBER in them becomes that of the connection.

Of four connections one says nothing; one says half of the beginning, then nothing; one trickles all of it, a byte a
second; one says the beginning and trickles the rest. Whichever is closed is made again some seconds later. Prints each
second how many were made and how many are open.
"""

from __future__ import annotations

import errno
import heapq
import ipaddress
import random
import select
import socket
import sys
import time
from pathlib import Path

_PER_HOST = 8
# How soon a connection that was closed is made again: at random, so that they do not come in waves.
_AGAIN = (1.0, 5.0)
# New connections in one round of the loop, so that the target is loaded and not the network.
_BURST = 200
# Linux: the port is chosen when the connection is made, so that each target has all of them.
_IP_BIND_ADDRESS_NO_PORT = 24
# Linux: the address need not be that of a device.
_IPV6_FREEBIND = 78


class Dawdler:
    """One connection after the other, each from the same host and with the same manners."""

    def __init__(self, number: int, opening: tuple[bytes, bytes], source: str | None) -> None:
        self.source = source
        begin, rest = (part.replace(b"NUMBER", b"%06d" % number) for part in opening)
        manners = [(b"", b""), (begin[: len(begin) // 2], b""), (b"", begin + rest), (begin, rest)]
        self.first, self.trickle = manners[number % len(manners)]
        self.said = 0
        self.socket: socket.socket | None = None
        self.is_open = False


class Attack:
    """All of them, on one thread."""

    def __init__(self, count: int, openings: list[tuple[bytes, bytes]], target: str, source: str | None) -> None:
        hosts = ipaddress.ip_network(source) if source else None
        self._dawdlers = [
            Dawdler(
                number, openings[number // 4 % len(openings)], str(hosts[1 + number // _PER_HOST]) if hosts else None)
            for number in range(count)]
        if target.startswith("/"):
            self._family = socket.AF_UNIX
            self._address: str | tuple[str, int] = target
        else:
            host, port = target.split(",")
            self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._address = (host, int(port))
        self._waiting = [(0.0, number) for number in range(count)]
        self._poll = select.epoll()
        self._by_descriptor: dict[int, int] = {}
        self.made = 0

    @property
    def open(self) -> int:
        return sum(dawdler.is_open for dawdler in self._dawdlers)

    def run(self) -> None:
        second = time.monotonic()
        while True:
            now = time.monotonic()
            for _ in range(_BURST):
                if not self._waiting or self._waiting[0][0] > now:
                    break
                self._connect(heapq.heappop(self._waiting)[1])
            for descriptor, events in self._poll.poll(0.02):
                self._heard(self._by_descriptor[descriptor], events)
            if now >= second + 1:
                second = now
                self._trickle()
                print(self.made, self.open, flush=True)

    def _connect(self, number: int) -> None:
        dawdler = self._dawdlers[number]
        made = socket.socket(self._family, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            if dawdler.source:
                made.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
                if self._family == socket.AF_INET6:
                    made.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
                made.bind((dawdler.source, 0))
            failure = made.connect_ex(self._address)
        except OSError as error:
            failure = error.errno or errno.EIO
        if failure not in (0, errno.EINPROGRESS):
            made.close()
            heapq.heappush(self._waiting, (time.monotonic() + random.uniform(*_AGAIN), number))
            return
        self.made += 1
        dawdler.socket, dawdler.said = made, 0
        self._by_descriptor[made.fileno()] = number
        self._poll.register(made, select.EPOLLOUT | select.EPOLLIN | select.EPOLLRDHUP)

    def _heard(self, number: int, events: int) -> None:
        dawdler = self._dawdlers[number]
        if dawdler.socket is None:
            return
        try:
            if events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP):
                raise ConnectionError
            if events & select.EPOLLOUT and not dawdler.is_open:
                dawdler.is_open = True
                self._poll.modify(dawdler.socket, select.EPOLLIN | select.EPOLLRDHUP)
                if dawdler.first:
                    dawdler.socket.send(dawdler.first)
            if events & select.EPOLLIN and not dawdler.socket.recv(65536):
                raise ConnectionError
        except BlockingIOError:
            pass
        except OSError:
            self._close(number)

    def _trickle(self) -> None:
        for number, dawdler in enumerate(self._dawdlers):
            if dawdler.socket is None or not dawdler.is_open or dawdler.said >= len(dawdler.trickle):
                continue
            try:
                dawdler.socket.send(dawdler.trickle[dawdler.said : dawdler.said + 1])
                dawdler.said += 1
            except OSError:
                self._close(number)

    def _close(self, number: int) -> None:
        dawdler = self._dawdlers[number]
        if dawdler.socket is None:
            return
        del self._by_descriptor[dawdler.socket.fileno()]
        dawdler.socket.close()
        dawdler.socket, dawdler.is_open = None, False
        heapq.heappush(self._waiting, (time.monotonic() + random.uniform(*_AGAIN), number))


def main(count: str, openings: str, target: str, source: str | None = None) -> None:
    words = [bytes.fromhex(word) for word in Path(openings).read_text(encoding="ascii").split()]
    Attack(int(count), list(zip(words[::2], words[1::2])), target, source).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
