# SPDX-License-Identifier: Apache-2.0
"""renewals.py CERTIFICATE KEY COUNT: prints orders by which the holder of a certificate asks for the next one, as JSON."""

import json
import subprocess
import sys
import tempfile


def openssl(*words, text=b""):
    return subprocess.run(["openssl", *words], input=text, stdout=subprocess.PIPE, check=True).stdout


def integers(der):
    """The two numbers of an ECDSA signature, in 32 bytes each."""
    place, numbers = 2, []
    for _ in range(2):
        length = der[place + 1]
        number = int.from_bytes(der[place + 2 : place + 2 + length], "big")
        numbers.append(number.to_bytes(32, "big"))
        place += 2 + length
    return b"".join(numbers)


def renewal(certificate, key):
    with tempfile.NamedTemporaryFile() as fresh:
        fresh.write(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        fresh.flush()
        request = openssl("req", "-new", "-key", fresh.name, "-subj", "/")
    signature = integers(openssl("dgst", "-sha256", "-sign", key, text=b"drover-renew-1\0" + request))
    order = {"certificate": certificate, "request": request.decode(), "signature": signature.hex()}
    return {"renew": {"_0": order}}


with open(sys.argv[1]) as file:
    certificate = file.read()
print(json.dumps([renewal(certificate, sys.argv[2]) for _ in range(int(sys.argv[3]))]))
