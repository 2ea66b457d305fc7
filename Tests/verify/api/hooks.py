# SPDX-License-Identifier: Apache-2.0
"""What schemathesis cannot make up: torrents, and what publishers and hosts have signed."""

import json
import os

import schemathesis
from hypothesis import strategies as st
from schemathesis.openapi.checks import IgnoredAuth
from schemathesis.specs.openapi.checks import ignored_auth
from schemathesis.transport.requests import REQUESTS_TRANSPORT


def read(name):
    with open(os.path.join(os.environ["API_SAMPLES"], name), "rb") as file:
        return file.read()


TORRENTS = [read(name) for name in ("debian-1.torrent", "debian-2.torrent")]
# Each is what an operation gets in place of what schemathesis makes up, about every second time.
BODIES = {
    "POST /api/v1/rollouts": [
        {"version": {"written": 1, "least": 1}, "master": "debian@1", "selector": "all"},
        {"version": {"written": 1, "least": 1}, "master": "debian@2", "selector": "rack=r1", "autoPromote": True},
    ],
    "PUT /api/v1/masters/{name}/{version}/statement": [json.loads(read("statement.json"))],
    "PUT /api/v1/masters/{name}/pointer": [json.loads(read("pointer.json"))],
    "POST /api/v1/fleet/certificate": json.loads(read("renewals.json")),
}


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


@schemathesis.check
def strangers_are_turned_away(context, response, case):
    """ignored_auth, which takes it for a mistake that bad tokens are answered with 429 after the twentieth in a minute."""
    try:
        return ignored_auth(context, response, case)
    except IgnoredAuth as failure:
        if "got `429 Too Many Requests`" in failure.message:
            return None
        raise


@schemathesis.hook
def before_generate_body(context, strategy):
    samples = BODIES.get(context.operation.label) if context.operation is not None else None
    return strategy | st.sampled_from(samples) if samples else strategy
