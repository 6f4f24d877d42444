import json
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterable, Iterator, Literal, Mapping, Optional, Sequence, Union, cast

import httpx

from . import _requests as requests
from ._errors import ApiError, ConnectionFailedError
from .types import (
    BatchAcceptedAnswer,
    CancelledJob,
    DryRun,
    JobListItem,
    JobStatus,
    KeyUsage,
    Lot,
    LotErrorCode,
    LotResult,
    PausedJob,
    Photo,
    PhotoCheckAnswer,
    SynchronousAnswer,
)


class GenerationService(requests.ClientBase):
    """Describes the damage in photos of car lots, in many languages. Signs every request. Close it, or use `with`."""

    def __init__(self, url: str, secret: str, **options: Any) -> None:
        super().__init__(url, secret, **options)
        self._http = httpx.Client(timeout=self._timeout)

    def __enter__(self) -> "GenerationService":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def generate(
        self, lot: Lot, languages: Sequence[str], *, idempotency_key: Optional[str] = None, **options: Any
    ) -> SynchronousAnswer:
        """
        Describes one lot with at most 20 photos, and waits for it, also where the service turns a slow request into a
        job. Options: include, metadata, max_cost_usd, webhook_url, webhook_events.
        """
        body = requests.json_body({**requests.request_head("sync", languages, options), "lots": [lot]})
        headers = {"Content-Type": "application/json", **requests.with_key(idempotency_key)}
        answer = self._json("POST", requests.GENERATE, headers, body)
        if "lots" in answer:
            return cast(SynchronousAnswer, answer)
        self.wait(answer["job_id"])
        return requests.as_synchronous(answer, self._json("GET", requests.results_target(answer["job_id"])))

    def submit(
        self, lots: Iterable[Lot], languages: Sequence[str], *, idempotency_key: Optional[str] = None, **options: Any
    ) -> BatchAcceptedAnswer:
        """Hands a batch in, up to 50,000 lots from any iterable, with flat memory. All lots are taken or none."""
        spool = requests.Spool()
        try:
            spool.add(requests.request_head("batch", languages, options))
            for lot in lots:
                spool.add(lot)
            digest = spool.end()
            headers = {**spool.headers, **requests.with_key(idempotency_key)}
            answer = self._json("POST", requests.GENERATE, headers, spool=spool, digest=digest)
            return cast(BatchAcceptedAnswer, answer)
        finally:
            spool.discard()

    def status(self, job_id: str) -> JobStatus:
        return cast(JobStatus, self._json("GET", requests.status_target(job_id)))

    def wait(self, job_id: str, on_progress: Optional[Callable[[JobStatus], None]] = None) -> JobStatus:
        """Waits until a job has ended, and returns its last status: completed, failed or cancelled."""
        headers = dict(requests.LONG_POLL)
        while True:
            response = self._send("GET", requests.status_target(job_id), headers)
            if response.status_code != 304:
                status = cast(JobStatus, response.json())
                if "ETag" in response.headers:
                    headers["If-None-Match"] = response.headers["ETag"]
                if on_progress is not None:
                    on_progress(status)
                if status["status"] in requests.ENDED:
                    return status
            time.sleep(requests.POLL_PAUSE)

    def results(
        self,
        job_id: str,
        *,
        partial: bool = False,
        status: requests.OneOrMore[requests.EndState] = None,
        code: requests.OneOrMore[LotErrorCode] = None,
        needs_review: Optional[bool] = None,
        lot_id: requests.OneOrMore[str] = None,
        after: Optional[str] = None,
    ) -> Iterator[LotResult]:
        """
        The lots of a job that has ended, one by one: all, or those that fit what is given. When the connection breaks,
        they are asked for again from behind the last lot that was handed over.
        """
        wanted = requests.results_filter(partial, status, code, needs_review, lot_id)
        attempt = 1
        while True:
            target = requests.results_target(job_id, **wanted, after=after)
            with self._stream(job_id, target, requests.NDJSON) as response:
                try:
                    for line in self._lines(response, target):
                        lot = cast(LotResult, json.loads(line))
                        after, attempt = lot["lot_id"], 1
                        yield lot
                    return
                except ConnectionFailedError as error:
                    pause = self._pause(attempt, error)
            attempt += 1
            time.sleep(pause)

    def download(
        self,
        job_id: str,
        format: Literal["json", "ndjson", "csv"],
        *,
        partial: bool = False,
        status: requests.OneOrMore[requests.EndState] = None,
        code: requests.OneOrMore[LotErrorCode] = None,
        needs_review: Optional[bool] = None,
        lot_id: requests.OneOrMore[str] = None,
        after: Optional[str] = None,
    ) -> Iterator[bytes]:
        """
        The results as a file, in chunks; csv opens in a spreadsheet, one row for each lot and language. csv and ndjson go
        on after a cut; json is one document, so a cut is an error.
        """
        wanted = requests.results_filter(partial, status, code, needs_review, lot_id)
        if format == "json":
            target = requests.download_target(job_id, format=format, **wanted, after=after)
            with self._stream(job_id, target, {}) as response:
                yield from self._chunks(response, target)
            return
        first = True
        while True:
            target = requests.download_target(job_id, format=format, **wanted, limit=requests.PAGE, after=after)
            page = self._send("GET", target)
            if page.status_code == 202:
                raise requests.running(job_id, page)
            yield page.content if first or format != "csv" else requests.without_names(page.content)
            first, after = False, page.headers.get("X-Next-Cursor")
            if after is None:
                return

    def jobs(self, **filters: Optional[str]) -> Iterator[JobListItem]:
        """The key's jobs, the newest first. Filters: status, mode, created_after, created_before."""
        cursor: Optional[str] = None
        while True:
            page = self._json("GET", requests.jobs_target(limit=100, cursor=cursor, **filters))
            yield from page["jobs"]
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                return

    def cancel(self, job_id: str, *, idempotency_key: Optional[str] = None) -> CancelledJob:
        """Ends a job: results stay as they are, lots without one read `cancelled`."""
        headers = requests.with_key(idempotency_key)
        return cast(CancelledJob, self._json("POST", requests.command_target(job_id, "cancel"), headers))

    def pause(self, job_id: str, *, idempotency_key: Optional[str] = None) -> PausedJob:
        """Pauses a batch: nothing of it begins any more. What OpenAI has is still taken in."""
        headers = requests.with_key(idempotency_key)
        return cast(PausedJob, self._json("POST", requests.command_target(job_id, "pause"), headers))

    def resume(self, job_id: str, *, idempotency_key: Optional[str] = None) -> PausedJob:
        """Lets a paused batch go on, unless an operator of the service has paused it too."""
        headers = requests.with_key(idempotency_key)
        return cast(PausedJob, self._json("POST", requests.command_target(job_id, "resume"), headers))

    def retry(
        self,
        job_id: str,
        *,
        codes: Optional[Sequence[LotErrorCode]] = None,
        lot_ids: Optional[Sequence[Union[str, int]]] = None,
        idempotency_key: Optional[str] = None,
    ) -> BatchAcceptedAnswer:
        """
        Tries failed lots of a job that has ended once more, as a new job: all, or those of some codes or some lots. A lot
        that a retry has in hand or has finished is not taken again.
        """
        headers = requests.with_key(idempotency_key)
        body = {"codes": codes, "lot_ids": lot_ids}
        return cast(BatchAcceptedAnswer, self._post(requests.command_target(job_id, "retry"), body, headers))

    def estimate_retry(
        self,
        job_id: str,
        *,
        codes: Optional[Sequence[LotErrorCode]] = None,
        lot_ids: Optional[Sequence[Union[str, int]]] = None,
    ) -> DryRun:
        """How many lots a retry would take, and about what it would cost. Nothing is sent."""
        body = {"codes": codes, "lot_ids": lot_ids, "dry_run": True}
        return cast(DryRun, self._post(requests.command_target(job_id, "retry"), body, {}))

    def photo_check(self, images: Sequence[Union[Photo, str]]) -> PhotoCheckAnswer:
        """Looks at up to 100 photos without a model: whether they can be fetched, what they are, what they would cost."""
        return cast(PhotoCheckAnswer, self._post(requests.PHOTO_CHECK, {"images": images}, {}))

    def usage(
        self,
        *,
        from_day: Optional[str] = None,
        to_day: Optional[str] = None,
        group_by: Optional[Literal["day", "model", "mode"]] = None,
    ) -> KeyUsage:
        """Lots, tokens and cost of this key on these days (UTC, written 2026-01-31, both included)."""
        target = requests.usage_target(**{"from": from_day, "to": to_day, "group_by": group_by})
        return cast(KeyUsage, self._json("GET", target))

    def _post(self, target: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        given = {name: value for name, value in body.items() if value is not None}
        sent = {"Content-Type": "application/json", **headers}
        return self._json("POST", target, sent, requests.json_body(given))

    def _json(self, method: str, target: str, headers: Mapping[str, str] = {}, body: Any = None, **spooled: Any) -> Any:
        return self._send(method, target, headers, body, **spooled).json()

    def _send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] = {},
        body: Optional[bytes] = None,
        *,
        spool: Optional[requests.Spool] = None,
        digest: Optional[str] = None,
        stream: bool = False,
    ) -> httpx.Response:
        """Sends until it is answered below 400, or trying again does not help."""
        attempt = 1
        while True:
            signed = self._headers(method, target, headers, digest or requests.digest_of(body))
            content = body if spool is None else spool.read()
            try:
                request = self._http.build_request(method, self._url + target, headers=signed, content=content)
                response = self._http.send(request, stream=stream)
                if response.status_code < 400:
                    return response
                response.read()
                raise requests.refusal(response)
            except httpx.TransportError as error:
                pause = self._pause(attempt, requests.broken(method, target, error))
            except ApiError as error:
                pause = self._pause(attempt, error)
            attempt += 1
            time.sleep(pause)

    @contextmanager
    def _stream(self, job_id: str, target: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        response = self._send("GET", target, headers, stream=True)
        try:
            if response.status_code == 202:
                response.read()
                raise requests.running(job_id, response)
            yield response
        finally:
            response.close()

    def _chunks(self, response: httpx.Response, target: str) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes()
        except httpx.TransportError as error:
            raise requests.broken("GET", target, error) from error

    def _lines(self, response: httpx.Response, target: str) -> Iterator[bytes]:
        reader = requests.LineReader()
        for chunk in self._chunks(response, target):
            yield from reader.feed(chunk)
        reader.end(target)
