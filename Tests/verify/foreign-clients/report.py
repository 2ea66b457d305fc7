# SPDX-License-Identifier: Apache-2.0
"""docs/INTEROP.md: the results as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_HEAD = ["client", "version", "direction", "kind", "tracker", "over", "result"]
_ABOUT = """\
# Interoperability

What Drover does together with programs of others. `make verify SUITES=foreign-clients` has made this table; it needs
root for networks of its own, and nothing in it is skipped: a missing client fails the suite.

Every row is a swarm of its own, each program on a host of its own behind one bridge. Nobody is told an address of another:
they find each other through the tracker, except for the web seed, which the .torrent names. The image has 64 MiB and
some bytes, with holes, and an end that is neither a whole piece nor a whole block. “Identical”: every leecher had all
of it and said so itself, and its file is byte for byte the source. All clients run with the settings they come with, but
that those for asking the world outside are off. libtorrent is that of the machine's own Debian; the others are those of
Debian 13, unpacked beside it, with the versions of its packages: the Transmission of Debian 12 (3.00) cannot read hybrid
torrents.
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
