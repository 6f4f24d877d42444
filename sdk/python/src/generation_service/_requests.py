"""What the blocking and the asynchronous client have in common: everything but the waiting."""

import gzip
import hashlib
import json
import secrets
import tempfile
from typing import IO, Any, Dict, Iterator, Literal, Mapping, Optional, Sequence, TypeVar, Union
from urllib.parse import quote, urlencode

import httpx

from ._errors import ApiError, ConnectionFailedError, JobRunningError
from ._retry import Retries, retry_after_seconds
from ._signing import EMPTY, sign_request
from .types import HandedOverAnswer, JobResults, SynchronousAnswer

GENERATE = "/api/v1/generate-descriptions"
ENDED = {"completed", "failed", "cancelled"}
#: The service answers a waiting status request at the next change, after so many seconds at the latest.
LONG_POLL = {"Prefer": "wait=25"}
#: Seconds between two status requests, however often a job changes: far below the limit of 1,000 a minute.
POLL_PAUSE = 1.0
NDJSON = {"Accept": "application/x-ndjson"}
CHUNK = 64 * 1024
PHOTO_CHECK = "/api/v1/photo-check"
#: Lots of a page of a file: as much as is kept in memory, and as is asked for again after a cut.
PAGE = 500
EndState = Literal["completed", "failed", "cancelled"]
Value = TypeVar("Value")
OneOrMore = Union[Value, Sequence[Value], None]


class Spool:
    """
    Lots in a temporary file, compressed, hashed while they are written: the signature stands in the headers, before the
    body, so the body must be whole before its first byte is sent. Memory stays flat.
    """

    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="generation-service-")
        self._gzip = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=6)
        self._sum = hashlib.sha256()

    def add(self, line: Any) -> None:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._sum.update(data)
        self._gzip.write(data)

    def end(self) -> str:
        """The digest of the uncompressed bytes."""
        self._gzip.close()
        return self._sum.hexdigest()

    def read(self) -> Iterator[bytes]:
        """The compressed bytes, from their beginning, as often as wanted."""
        self._file.seek(0)
        while True:
            chunk = self._file.read(CHUNK)
            if not chunk:
                return
            yield chunk

    def discard(self) -> None:
        self._file.close()


class ClientBase:
    def __init__(
        self,
        url: str,
        secret: str,
        *,
        key_id: Optional[str] = None,
        retries: int = 5,
        longest_pause: float = 120,
        timeout: float = 310,
    ) -> None:
        if not url or not secret:
            raise ValueError(f"{'secret' if url else 'url'} is missing")
        self._url = url.rstrip("/")
        self._secret = secret
        self._key_id = key_id
        self._retries = Retries(retries, longest_pause)
        self._timeout = httpx.Timeout(timeout, connect=30)

    def _headers(self, method: str, target: str, headers: Mapping[str, str], digest: str) -> Dict[str, str]:
        """Signed anew for each attempt, because a signature is good for five minutes."""
        key_id = {} if self._key_id is None else {"X-Key-Id": self._key_id}
        return {**headers, **key_id, **sign_request(self._secret, method, target, digest)}

    def _pause(self, attempt: int, error: Exception) -> float:
        """The seconds until the next attempt; raises the error when there should be none."""
        seconds = self._retries.pause_before(attempt, error)
        if seconds is None:
            raise error
        return seconds


def with_key(idempotency_key: Optional[str]) -> Dict[str, str]:
    return {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}


def json_body(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def digest_of(body: Optional[bytes]) -> str:
    return EMPTY if body is None else hashlib.sha256(body).hexdigest()


def request_head(mode: str, languages: Any, options: Mapping[str, Any]) -> Dict[str, Any]:
    members = {name: value for name, value in options.items() if value is not None}
    return {"version": "1.0.0", "languages": list(languages), "mode": mode, **members}


def status_target(job_id: str) -> str:
    return f"/api/v1/batch-status/{quote(job_id, safe='')}"


def results_target(job_id: str, **query: Any) -> str:
    return _with_query(f"/api/v1/batch-results/{quote(job_id, safe='')}", query)


def download_target(job_id: str, **query: Any) -> str:
    return _with_query(f"/api/v1/batch-results/{quote(job_id, safe='')}/download", query)


def command_target(job_id: str, name: str) -> str:
    return f"/api/v1/batch-jobs/{quote(job_id, safe='')}/{name}"


def jobs_target(**query: Any) -> str:
    return _with_query("/api/v1/batch-jobs", query)


def usage_target(**query: Any) -> str:
    return _with_query("/api/v1/usage", query)


def results_filter(
    partial: bool, status: OneOrMore[str], code: OneOrMore[str], needs_review: Optional[bool], lot_id: OneOrMore[str]
) -> Dict[str, Any]:
    return {
        "partial": "true" if partial else None,
        "status": status,
        "code": code,
        "needs_review": None if needs_review is None else str(needs_review).lower(),
        "lot_id": lot_id,
    }


def _with_query(path: str, query: Mapping[str, Any]) -> str:
    """Several values of one member are written code[]=…&code[]=…."""
    given = [
        (f"{name}[]", each) if isinstance(value, (list, tuple)) else (name, each)
        for name, value in query.items()
        if value is not None
        for each in (value if isinstance(value, (list, tuple)) else [value])
    ]
    return f"{path}?{urlencode(given)}" if given else path


def without_names(page: bytes) -> bytes:
    """Every page of a CSV file begins with the names of the columns; the file has them once."""
    return page[page.index(b"\n") + 1 :]


def refusal(response: httpx.Response) -> ApiError:
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    retry_after = retry_after_seconds(response.headers.get("Retry-After"))
    given = answer if isinstance(answer, dict) else {}
    return ApiError(response.status_code, given, retry_after, response.headers.get("X-Request-Id"))


def broken(method: str, target: str, error: Exception) -> ConnectionFailedError:
    return ConnectionFailedError(f"{method} {target}: {error or type(error).__name__}")


def running(job_id: str, response: httpx.Response) -> JobRunningError:
    return JobRunningError(job_id, response.json()["status"])


class LineReader:
    """Cuts chunks into lines. A body that ends inside a line was cut, however properly the connection was closed."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return (line for line in lines if line)

    def end(self, target: str) -> None:
        if self._rest:
            raise ConnectionFailedError(f"GET {target}: the answer ended in the middle of a line")


def as_synchronous(job: HandedOverAnswer, results: JobResults) -> SynchronousAnswer:
    """The answer that a synchronous request would have had, once the job that it became has ended."""
    lots = results["results"]["lots"]
    answer: SynchronousAnswer = {
        "version": "1.0.0",
        "job_id": job["job_id"],
        "processing_mode": "synchronous",
        "total_lots": job["total_lots"],
        "processed_at": results["completed_at"] or job["created_at"],
        "lots": lots,
        "warnings": job["warnings"],
        "pending_languages": list(dict.fromkeys(tag for lot in lots for tag in lot["pending_languages"])),
    }
    if results["metadata"]:
        answer["metadata"] = results["metadata"]
    return answer
