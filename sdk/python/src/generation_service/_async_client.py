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
    JobListItem,
    JobStatus,
    Lot,
    LotResult,
    PausedJob,
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

    async def results(self, job_id: str, *, partial: bool = False) -> AsyncIterator[LotResult]:
        """
        The lots of a job that has ended, one by one. When the connection breaks, they are asked for again and those that
        were handed over are skipped; partial ones are not, because they change meanwhile.
        """
        target = requests.results_target(job_id, partial="true" if partial else None)
        handed_over = 0
        attempt = 1
        while True:
            async with self._stream(job_id, target, requests.NDJSON) as response:
                position = 0
                try:
                    async for line in self._lines(response, target):
                        position += 1
                        if position > handed_over:
                            handed_over, attempt = position, 1
                            yield cast(LotResult, json.loads(line))
                    return
                except ConnectionFailedError as error:
                    if partial:
                        raise
                    pause = self._pause(attempt, error)
            attempt += 1
            await asyncio.sleep(pause)

    async def download(
        self, job_id: str, format: Literal["json", "ndjson", "csv"], *, partial: bool = False
    ) -> AsyncIterator[bytes]:
        """The results as a file, in chunks; csv opens in a spreadsheet, one row for each lot and language."""
        target = requests.download_target(job_id, format=format, partial="true" if partial else None)
        async with self._stream(job_id, target, {}) as response:
            async for chunk in self._chunks(response, target):
                yield chunk

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
