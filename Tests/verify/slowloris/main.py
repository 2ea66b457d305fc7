# SPDX-License-Identifier: Apache-2.0
"""Attacks every listener in turn, with fresh programs each time, and has honest ones fetch and publish meanwhile."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "support"))

# pylint: disable=wrong-import-position
from network import CaseFailure, Network, Program, eventually  # noqa: E402
from stage import LISTENERS, Stage  # noqa: E402

_CONNECTIONS = 10_000
# MiB that a program may grow by.
_GROWTH_LIMIT = 64.0
# How long all of them stay before the honest fetch, and how long that may take, in seconds. The former is more than the
# ten seconds that a peer gives a stranger for his handshake.
_SIEGE = 12.0
_FETCH_LIMIT = 60.0


class Memory:
    """The resident memory of some programs, in MiB, looked at five times a second."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        self._before = [_resident(program) for program in programs]
        self._peak = list(self._before)
        self._end = Event()
        self._watcher = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._watcher.join()

    @property
    def growth(self) -> list[float]:
        """The most that each has grown by."""
        return [peak - before for peak, before in zip(self._peak, self._before)]

    def _watch(self) -> None:
        while not self._end.wait(0.2):
            self._peak = [max(peak, _resident(program)) for peak, program in zip(self._peak, self._programs)]


class Attack:
    """Ten thousand connections against one listener."""

    def __init__(self, stage: Stage, listener: str) -> None:
        openings = stage.folder / "openings"
        openings.write_text("".join(f"{begin.hex()} {rest.hex()}\n" for begin, rest in stage.openings(listener)))
        ways = stage.ways(listener)
        self._programs = [
            host.start(
                ["/usr/bin/python3", "-B", _HERE / "attack.py", str(_CONNECTIONS // len(ways)), openings, *where],
                "attack.py")
            for host, where in ways]
        eventually("every connection was made once", lambda: self.made >= _CONNECTIONS, self._programs)

    @property
    def made(self) -> int:
        return sum(_last_line(program)[0] for program in self._programs)

    @property
    def open(self) -> int:
        return sum(_last_line(program)[1] for program in self._programs)


def _resident(program: Program) -> float:
    for line in Path(f"/proc/{program.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _last_line(program: Program) -> tuple[int, int]:
    """What attack.py said last: connections made, and open."""
    complete = program.log.read_text().rpartition("\n")[0]
    made, is_open = complete.rpartition("\n")[2].split() or ("0", "0")
    return int(made), int(is_open)


def besiege(stage: Stage, listener: str) -> list[str]:
    """What went wrong; nothing if all went well."""
    # What any fetch needs is not the attack's.
    stage.fetch(1, _FETCH_LIMIT)
    wrong: list[str] = []
    attacked, took = "no attack", "no honest fetch"
    with Memory([stage.seed, stage.tracker]) as memory:
        try:
            attack = Attack(stage, listener)
            time.sleep(_SIEGE)
            attacked = f"{attack.open:5} connections open, {attack.made} made so far"
            took = f"honest fetch {stage.fetch(2, _FETCH_LIMIT):.1f} s"
            stage.publish()
        except CaseFailure as failure:
            wrong.append(str(failure))
    growth = dict(zip(("peer", "tracker"), memory.growth))
    wrong += [f"the {name} grew by {size:.1f} MiB" for name, size in growth.items() if size >= _GROWTH_LIMIT]
    grown = ", ".join(f"{name} {size:+.1f} MiB" for name, size in growth.items())
    print(f"{listener:15} {attacked}; {grown}; {took}", flush=True)
    return wrong


def run_case(number: int, listener: str) -> bool:
    """Whether the listener stood it; prints what did not, and what the programs said."""
    folder = Path(tempfile.mkdtemp(prefix=f"case-{number}."))
    folder.chmod(0o755)
    network = Network(number, False, folder)
    try:
        wrong = besiege(Stage(network, folder), listener)
    except CaseFailure as failure:
        wrong = [str(failure)]
    for sentence in wrong:
        print(f"{listener:15} FAILED: {sentence}")
    if wrong:
        network.stop()
        print("\n".join(program.tail(5) for program in network.programs), flush=True)
    network.remove()
    shutil.rmtree(folder)
    return not wrong


def main(words: Sequence[str]) -> int:
    chosen = [listener for listener in LISTENERS if all(word in listener for word in words)]
    results = [run_case(number, listener) for number, listener in enumerate(chosen)]
    print(f"{sum(results)} of {len(results)} listeners stood it")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
