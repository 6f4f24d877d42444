import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any, AsyncIterable, AsyncIterator, Callable, Iterable, Literal, Mapping, Optional, Sequence, Union, cast

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


class AsyncGenerationService(requests.ClientBase):
    """Describes the damage in photos of car lots, in many languages. Signs every request. Close it, or use `async with`."""

    def __init__(self, url: str, secret: str, **options: Any) -> None:
        super().__init__(url, secret, **options)
        self._http = httpx.AsyncClient(timeout=self._timeout)

    async def __aenter__(self) -> "AsyncGenerationService":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def generate(
        self, lot: Lot, languages: Sequence[str], *, idempotency_key: Optional[str] = None, **options: Any
    ) -> SynchronousAnswer:
        """
        Describes one lot with at most 20 photos, and waits for it, also where the service turns a slow request into a
        job. Options: include, metadata, max_cost_usd, webhook_url, webhook_events.
        """
        body = requests.json_body({**requests.request_head("sync", languages, options), "lots": [lot]})
        headers = {"Content-Type": "application/json", **requests.with_key(idempotency_key)}
        answer = await self._json("POST", requests.GENERATE, headers, body)
        if "lots" in answer:
            return cast(SynchronousAnswer, answer)
        await self.wait(answer["job_id"])
        return requests.as_synchronous(answer, await self._json("GET", requests.results_target(answer["job_id"])))

    async def submit(
        self, lots: Union[Iterable[Lot], AsyncIterable[Lot]], languages: Sequence[str], *, idempotency_key: Optional[str] = None, **options: Any
    ) -> BatchAcceptedAnswer:
        """Hands a batch in, up to 50,000 lots from any iterable, with flat memory. All lots are taken or none."""
        spool = requests.Spool()
        try:
            spool.add(requests.request_head("batch", languages, options))
            if isinstance(lots, AsyncIterable):
                async for lot in lots:
                    spool.add(lot)
            else:
                for lot in lots:
                    spool.add(lot)
            digest = spool.end()
            headers = {**spool.headers, **requests.with_key(idempotency_key)}
            answer = await self._json("POST", requests.GENERATE, headers, spool=spool, digest=digest)
            return cast(BatchAcceptedAnswer, answer)
        finally:
            spool.discard()

    async def status(self, job_id: str) -> JobStatus:
        return cast(JobStatus, await self._json("GET", requests.status_target(job_id)))

    async def wait(self, job_id: str, on_progress: Optional[Callable[[JobStatus], None]] = None) -> JobStatus:
        """Waits until a job has ended, and returns its last status: completed, failed or cancelled."""
        headers = dict(requests.LONG_POLL)
        while True:
            response = await self._send("GET", requests.status_target(job_id), headers)
            if response.status_code != 304:
                status = cast(JobStatus, response.json())
                if "ETag" in response.headers:
                    headers["If-None-Match"] = response.headers["ETag"]
                if on_progress is not None:
                    on_progress(status)
                if status["status"] in requests.ENDED:
                    return status
            await asyncio.sleep(requests.POLL_PAUSE)

    async def results(
        self,
        job_id: str,
        *,
        partial: bool = False,
        status: requests.OneOrMore[requests.EndState] = None,
        code: requests.OneOrMore[LotErrorCode] = None,
        needs_review: Optional[bool] = None,
        lot_id: requests.OneOrMore[str] = None,
        after: Optional[str] = None,
    ) -> AsyncIterator[LotResult]:
        """
        The lots of a job that has ended, one by one: all, or those that fit what is given. When the connection breaks,
        they are asked for again from behind the last lot that was handed over.
        """
        wanted = requests.results_filter(partial, status, code, needs_review, lot_id)
        attempt = 1
        while True:
            target = requests.results_target(job_id, **wanted, after=after)
            async with self._stream(job_id, target, requests.NDJSON) as response:
                try:
                    async for line in self._lines(response, target):
                        lot = cast(LotResult, json.loads(line))
                        after, attempt = lot["lot_id"], 1
                        yield lot
                    return
                except ConnectionFailedError as error:
                    pause = self._pause(attempt, error)
            attempt += 1
            await asyncio.sleep(pause)

    async def download(
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
    ) -> AsyncIterator[bytes]:
        """
        The results as a file, in chunks; csv opens in a spreadsheet, one row for each lot and language. csv and ndjson go
        on after a cut; json is one document, so a cut is an error.
        """
        wanted = requests.results_filter(partial, status, code, needs_review, lot_id)
        if format == "json":
            target = requests.download_target(job_id, format=format, **wanted, after=after)
            async with self._stream(job_id, target, {}) as response:
                async for chunk in self._chunks(response, target):
                    yield chunk
            return
        first = True
        while True:
            target = requests.download_target(job_id, format=format, **wanted, limit=requests.PAGE, after=after)
            page = await self._send("GET", target)
            if page.status_code == 202:
                raise requests.running(job_id, page)
            yield page.content if first or format != "csv" else requests.without_names(page.content)
            first, after = False, page.headers.get("X-Next-Cursor")
            if after is None:
                return

    async def jobs(self, **filters: Optional[str]) -> AsyncIterator[JobListItem]:
        """The key's jobs, the newest first. Filters: status, mode, created_after, created_before."""
        cursor: Optional[str] = None
        while True:
            page = await self._json("GET", requests.jobs_target(limit=100, cursor=cursor, **filters))
            for job in page["jobs"]:
                yield job
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                return

    async def cancel(self, job_id: str, *, idempotency_key: Optional[str] = None) -> CancelledJob:
        """Ends a job: results stay as they are, lots without one read `cancelled`."""
        headers = requests.with_key(idempotency_key)
        return cast(CancelledJob, await self._json("POST", requests.command_target(job_id, "cancel"), headers))

    async def pause(self, job_id: str, *, idempotency_key: Optional[str] = None) -> PausedJob:
        """Pauses a batch: nothing of it begins any more. What OpenAI has is still taken in."""
        headers = requests.with_key(idempotency_key)
        return cast(PausedJob, await self._json("POST", requests.command_target(job_id, "pause"), headers))

    async def resume(self, job_id: str, *, idempotency_key: Optional[str] = None) -> PausedJob:
        """Lets a paused batch go on, unless an operator of the service has paused it too."""
        headers = requests.with_key(idempotency_key)
        return cast(PausedJob, await self._json("POST", requests.command_target(job_id, "resume"), headers))

    async def retry(
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
        return cast(BatchAcceptedAnswer, await self._post(requests.command_target(job_id, "retry"), body, headers))

    async def estimate_retry(
        self,
        job_id: str,
        *,
        codes: Optional[Sequence[LotErrorCode]] = None,
        lot_ids: Optional[Sequence[Union[str, int]]] = None,
    ) -> DryRun:
        """How many lots a retry would take, and about what it would cost. Nothing is sent."""
        body = {"codes": codes, "lot_ids": lot_ids, "dry_run": True}
        return cast(DryRun, await self._post(requests.command_target(job_id, "retry"), body, {}))

    async def photo_check(self, images: Sequence[Union[Photo, str]]) -> PhotoCheckAnswer:
        """Looks at up to 100 photos without a model: whether they can be fetched, what they are, what they would cost."""
        return cast(PhotoCheckAnswer, await self._post(requests.PHOTO_CHECK, {"images": images}, {}))

    async def usage(
        self,
        *,
        from_day: Optional[str] = None,
        to_day: Optional[str] = None,
        group_by: Optional[Literal["day", "model", "mode"]] = None,
    ) -> KeyUsage:
        """Lots, tokens and cost of this key on these days (UTC, written 2026-01-31, both included)."""
        target = requests.usage_target(**{"from": from_day, "to": to_day, "group_by": group_by})
        return cast(KeyUsage, await self._json("GET", target))

    async def _post(self, target: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        given = {name: value for name, value in body.items() if value is not None}
        sent = {"Content-Type": "application/json", **headers}
        return await self._json("POST", target, sent, requests.json_body(given))

    async def _json(self, method: str, target: str, headers: Mapping[str, str] = {}, body: Any = None, **spooled: Any) -> Any:
        return (await self._send(method, target, headers, body, **spooled)).json()

    async def _send(
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
            content = body if spool is None else _chunks_of(spool)
            try:
                request = self._http.build_request(method, self._url + target, headers=signed, content=content)
                response = await self._http.send(request, stream=stream)
                if response.status_code < 400:
                    return response
                await response.aread()
                raise requests.refusal(response)
            except httpx.TransportError as error:
                pause = self._pause(attempt, requests.broken(method, target, error))
            except ApiError as error:
                pause = self._pause(attempt, error)
            attempt += 1
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def _stream(self, job_id: str, target: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        response = await self._send("GET", target, headers, stream=True)
        try:
            if response.status_code == 202:
                await response.aread()
                raise requests.running(job_id, response)
            yield response
        finally:
            await response.aclose()

    async def _chunks(self, response: httpx.Response, target: str) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.aiter_bytes():
                yield chunk
        except httpx.TransportError as error:
            raise requests.broken("GET", target, error) from error

    async def _lines(self, response: httpx.Response, target: str) -> AsyncIterator[bytes]:
        reader = requests.LineReader()
        async for chunk in self._chunks(response, target):
            for line in reader.feed(chunk):
                yield line
        reader.end(target)


async def _chunks_of(spool: requests.Spool) -> AsyncIterator[bytes]:
    for chunk in spool.read():
        yield chunk
