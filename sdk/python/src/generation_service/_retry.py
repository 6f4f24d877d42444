import random as randomness
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Optional

from ._errors import ApiError, ConnectionFailedError

#: Answers of the service that a later attempt can change.
PASSING = {"RATE_LIMITED", "TOO_MANY_ACTIVE_JOBS", "REQUEST_IN_PROGRESS", "SERVICE_UNAVAILABLE"}
#: What a proxy says while the service restarts; the service's own 502 and 504 have codes and were paid for.
PROXY_STATUSES = {429, 502, 503, 504}


@dataclass(frozen=True)
class Retries:
    #: Attempts after the first.
    retries: int = 5
    #: The longest pause in seconds. When the service asks for a longer one, its answer is raised instead.
    longest_pause: float = 120

    def pause_before(self, attempt: int, error: Exception, random: Optional[float] = None) -> Optional[float]:
        """The seconds until the next attempt (1 is the first), or None when there should be none."""
        if attempt > self.retries or not _passes(error):
            return None
        spread = randomness.random() if random is None else random
        own = min(0.5 * 2.0 ** (attempt - 1), 30) * (0.5 + spread / 2)
        asked = error.retry_after if isinstance(error, ApiError) else None
        if asked is None:
            return own
        # Never sooner than asked, and a little after it, by each client differently.
        return None if asked > self.longest_pause else asked + min(own, 1)


def _passes(error: Exception) -> bool:
    if isinstance(error, ConnectionFailedError):
        return True
    if not isinstance(error, ApiError):
        return False
    return error.code in PASSING or ("code" not in error.answer and error.status in PROXY_STATUSES)


def retry_after_seconds(value: Optional[str]) -> Optional[float]:
    """The seconds of a Retry-After header, which is a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
