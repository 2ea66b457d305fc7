# SPDX-License-Identifier: Apache-2.0
"""The programs that debian-tree has unpacked, and from which packages they are."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

_TREE = Path(os.environ["FOREIGN_CLIENTS"])


def packaged(path: str) -> list[str | Path]:
    """The command line's beginning that runs a program of the tree, with the tree's own libraries."""
    program = _TREE / path
    if not os.access(program, os.X_OK):
        raise SystemExit(f"{program} is missing; remove {_TREE}, and it is made anew")
    loader = next(_TREE.glob("usr/lib64/ld-linux*.so.*"), None) or next(_TREE.glob("usr/lib/ld-linux*.so.*"))
    return [loader, "--library-path", os.pathsep.join(map(str, _TREE.glob("usr/lib/*-linux-gnu"))), program]


def package_version(package: str) -> str:
    """The version of the Debian package."""
    with gzip.open(_TREE / "usr/share/doc" / package / "changelog.Debian.gz", "rt", errors="replace") as changes:
        return changes.readline().split("(")[1].split(")")[0]
