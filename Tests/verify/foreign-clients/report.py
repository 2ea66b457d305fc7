# SPDX-License-Identifier: Apache-2.0
"""docs/INTEROP.md: the results as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_HEAD = ["client", "version", "direction", "kind", "tracker", "over", "result"]
_ABOUT = """\
# Interoperability

Drover together with programs of others. `make verify SUITES=foreign-clients` makes this table again: it fetches the
clients once, needs root for networks of its own, and skips nothing.

Each row is a swarm of its own, each program on a host of its own behind one bridge. None is told another's address: they
find each other through the tracker; the web seed is named by the .torrent. The image has 64 MiB and some bytes, with holes,
and ends within a block. “Identical”: every leecher said that it had all of it, and its file is the source byte for byte.
Where all fetch from a Drover seed, that is capped at 100 Mbit/s, and they get more than half from each other. Clients run
with the settings they come with, except that they ask no network outside. libtorrent is that of the machine's own Debian;
the others, with the versions of their packages, are those of Debian 13, since the Transmission of Debian 12 (3.00) reads no
hybrid torrents. Transmission tries µTP and encryption first, and comes to plain TCP after some twenty seconds.
"""


def write_report(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Writes the page unless it says the same already."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [_HEAD, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    page = _ABOUT + "\n" + "".join(f"| {line} |\n" for line in lines)
    if not path.exists() or path.read_text() != page:
        path.write_text(page)
