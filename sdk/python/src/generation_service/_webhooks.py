import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Sequence, Union

from ._errors import WebhookVerificationError


@dataclass(frozen=True)
class VerifiedWebhook:
    """A webhook that is from the service, unchanged and fresh."""

    #: The same on every attempt: remember it, and drop what has come before.
    id: str
    event: Dict[str, Any]


def verify_webhook(
    headers: Mapping[str, str], body: bytes, secret: Union[str, Sequence[str]], tolerance: float = 300
) -> VerifiedWebhook:
    """
    Checks a delivery over the exact bytes that came. The secret is `whsec_…`, or the shared key where the operator set
    no webhook secret; several while one is being replaced. Raises WebhookVerificationError: answer 401.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    message_id = by_name.get("webhook-id", "")
    timestamp = by_name.get("webhook-timestamp", "")
    signatures = by_name.get("webhook-signature", "").encode().split(b" ")
    if not message_id or not timestamp or signatures == [b""]:
        raise WebhookVerificationError("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (timestamp.isascii() and timestamp.isdecimal()) or abs(time.time() - int(timestamp)) > tolerance:
        raise WebhookVerificationError(f"webhook-timestamp {timestamp} is not of now: an old delivery, or a wrong clock")
    signed = f"{message_id}.{timestamp}.".encode() + body
    secrets = [secret] if isinstance(secret, str) else secret
    expected = [
        b"v1," + base64.b64encode(hmac.new(_secret_bytes(each), signed, hashlib.sha256).digest()) for each in secrets
    ]
    if not any(hmac.compare_digest(given, wanted) for given in signatures for wanted in expected):
        raise WebhookVerificationError("webhook-signature fits no secret over these bytes")
    try:
        return VerifiedWebhook(message_id, json.loads(body))
    except ValueError as error:
        raise WebhookVerificationError("the signature is right but the body is no JSON") from error


def _secret_bytes(secret: str) -> bytes:
    return base64.b64decode(secret[len("whsec_") :]) if secret.startswith("whsec_") else secret.encode()
