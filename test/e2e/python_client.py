"""A client written from the contract alone: json, hmac and urllib, nothing of the service's own.

Reads one JSON object from standard input: origin, secret, key_id, scheme ("body", "header" or "v1"), request,
and optionally tamper (a text of the request and what to send in its place once it is signed).
Writes {"status": ..., "body": ...}.
"""

import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

PATH = "/api/v1/generate-descriptions"


def mac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def canonical(lots: list) -> bytes:
    return json.dumps(lots, separators=(",", ":"), sort_keys=True).encode()


def main() -> None:
    order = json.load(sys.stdin)
    request, secret = order["request"], order["secret"]
    headers = {"Content-Type": "application/json", "X-Key-Id": order["key_id"]}
    if order["scheme"] == "body":
        request["signature"] = mac(secret, canonical(request["lots"]))
    if order["scheme"] == "header":
        headers["X-Signature"] = "sha256=" + mac(secret, canonical(request["lots"]))
    # As Python prints it, with spaces and \u escapes: what is signed are the values, not these bytes.
    body = json.dumps(request).encode()
    if order["scheme"] == "v1":
        timestamp = str(int(time.time()))
        text = "\n".join(["v1", timestamp, "POST", PATH, hashlib.sha256(body).hexdigest()])
        headers["X-Timestamp"] = timestamp
        headers["X-Signature"] = "v1=" + mac(secret, text.encode())
    if "tamper" in order:
        before, after = order["tamper"]
        changed = body.replace(before.encode(), after.encode(), 1)
        assert changed != body
        body = changed
    call = urllib.request.Request(order["origin"] + PATH, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(call, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    json.dump({"status": status, "body": json.loads(text)}, sys.stdout)


main()
