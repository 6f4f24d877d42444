import hashlib
import hmac
import time
from typing import Dict, Optional

EMPTY = hashlib.sha256(b"").hexdigest()


def sign_request(
    secret: str, method: str, target: str, body_digest: str = EMPTY, timestamp: Optional[int] = None
) -> Dict[str, str]:
    """The headers of a signed request; target is the path with its query, the digest that of the uncompressed body."""
    at = str(int(time.time()) if timestamp is None else timestamp)
    text = "\n".join(["v1", at, method, target, body_digest])
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {"X-Timestamp": at, "X-Signature": "v1=" + signature}
