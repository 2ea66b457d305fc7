# SPDX-License-Identifier: Apache-2.0
"""What schemathesis cannot make up: torrents, and orders that a host has signed."""

import json
import os

import schemathesis
from hypothesis import strategies as st
from schemathesis.transport.requests import REQUESTS_TRANSPORT


def read(name):
    with open(os.path.join(os.environ["API_SAMPLES"], name), "rb") as file:
        return file.read()


TORRENTS = [read(name) for name in ("debian-1.torrent", "debian-2.torrent")]
RENEWALS = json.loads(read("renewals.json"))


@st.composite
def torrents(draw):
    """One that is good, or with a byte of it changed, or cut short, or anything else."""
    torrent = draw(st.sampled_from(TORRENTS))
    place = draw(st.integers(0, len(torrent) - 1))
    byte = draw(st.binary(min_size=1, max_size=1))
    broken = torrent[:place] + byte + torrent[place + 1 :]
    return draw(st.sampled_from([torrent, broken, torrent[:place]]) | st.binary(max_size=200))


schemathesis.openapi.media_type("application/x-bittorrent", torrents())


@REQUESTS_TRANSPORT.serializer("application/x-bittorrent")
def torrent_serializer(context, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


@schemathesis.hook
def before_generate_body(context, strategy):
    operation = context.operation
    if operation is not None and operation.label == "POST /api/v1/fleet/certificate":
        return strategy | st.sampled_from(RENEWALS)
    return strategy
