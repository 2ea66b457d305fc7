# SPDX-License-Identifier: Apache-2.0
"""Runs every case, or those whose row holds all the words given, and writes docs/INTEROP.md after all of them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "support"))

# pylint: disable=wrong-import-position
from cases import Case, cases  # noqa: E402
from network import CaseFailure, Network  # noqa: E402
from report import write_report  # noqa: E402

_REPORT = _HERE.parents[2] / "docs" / "INTEROP.md"
# Cases wait most of the time: for an announce, for a choke to end.
_AT_ONCE = 3


def make_image(path: Path) -> None:
    """64 MiB and some bytes: random ones with holes, the end neither a whole piece nor a whole block."""
    mebibyte = 1 << 20
    with path.open("wb") as image:
        for start, length in ((0, 21), (29, 20), (52, 12)):
            image.seek(start * mebibyte)
            for _ in range(length):
                image.write(os.urandom(mebibyte))
        image.write(os.urandom(12_345))


def run_case(number: int, case: Case, image: Path) -> str:
    """The result's cell. What the programs said is printed if it failed."""
    folder = Path(tempfile.mkdtemp(prefix=f"case-{number}."))
    folder.chmod(0o755)
    started = time.monotonic()
    network = Network(number, case.ipv6, folder)
    result, logs = "identical", ""
    try:
        case.run(network, image, folder)
    except CaseFailure as failure:
        result = f"FAILED: {failure}"
    except Exception as error:  # pylint: disable=broad-exception-caught
        result = f"FAILED: {error!r}"
        logs = traceback.format_exc()
    if result != "identical":
        network.stop()
        logs += "".join(f"{program.tail()}\n" for program in network.programs)
    network.remove()
    shutil.rmtree(folder)
    print(f"{time.monotonic() - started:5.1f} s  {' | '.join([*case.cells, result])}\n{logs}", end="", flush=True)
    return result.splitlines()[0]


def main(words: Sequence[str]) -> int:
    os.umask(0o022)
    every = list(cases())
    chosen = [case for case in every if all(word in " ".join(case.cells) for word in words)]
    image = Path(tempfile.gettempdir()) / "image"
    make_image(image)
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        results = list(executor.map(run_case, range(len(chosen)), chosen, [image] * len(chosen)))
    if len(chosen) == len(every):
        write_report(_REPORT, [[*case.cells, result] for case, result in zip(chosen, results)])
    failed = sum(result != "identical" for result in results)
    print(f"{len(results) - failed} of {len(results)} cases passed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
