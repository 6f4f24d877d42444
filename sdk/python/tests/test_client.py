import asyncio
import json
import unittest

from generation_service import (
    ApiError,
    AsyncGenerationService,
    ConnectionFailedError,
    GenerationService,
    JobRunningError,
)
from scripted_server import SECRET, ScriptedServer

LOT = {"lot_id": "11-1", "images": ["https://cdn.test/1.jpg"], "additional_info": "лот 🚗"}
SOON = {"Retry-After": "0"}
ACCEPTED = {"job_id": "job-1", "status": "accepted"}
REFUSED = {"message": "Do it otherwise.", "details": {"field": "x"}, "request_id": "req-1"}


def result(lot_id):
    return {"lot_id": lot_id, "pending_languages": []}


def lines(*ids):
    return b"".join(json.dumps(result(each)).encode() + b"\n" for each in ids)


class Blocking:
    """Calls of the blocking client, in the form that both clients are tested in."""

    @staticmethod
    def call(url, name, *args, **options):
        with GenerationService(url, SECRET, key_id="acme") as client:
            answer = getattr(client, name)(*args, **options)
            return list(answer) if name in ("results", "download", "jobs") else answer


class Asynchronous:
    @staticmethod
    def call(url, name, *args, **options):
        async def run():
            async with AsyncGenerationService(url, SECRET, key_id="acme") as client:
                answer = getattr(client, name)(*args, **options)
                return [each async for each in answer] if name in ("results", "download", "jobs") else await answer

        return asyncio.run(run())


class ClientTests:
    def test_generate_repeats_with_the_same_key(self):
        answer = {"job_id": "job-1", "lots": [result("11-1")]}
        steps = [(429, SOON, {"code": "RATE_LIMITED"}), "cut", (502, SOON, "Bad Gateway"), (200, {}, answer)]
        with ScriptedServer(*steps) as server:
            self.assertEqual(self.call(server.url, "generate", LOT, ["en"], include=["usage"]), answer)
        bodies = [json.loads(body) for *_, body in server.received]
        request = {"version": "1.0.0", "languages": ["en"], "mode": "sync", "include": ["usage"], "lots": [LOT]}
        self.assertEqual(bodies, [request] * 4)
        self.assertEqual(len({headers["Idempotency-Key"] for _, _, headers, _ in server.received}), 1)
        self.assertEqual(server.received[0][2]["X-Key-Id"], "acme")

    def test_generate_follows_a_request_that_became_a_job(self):
        job = {"job_id": "job-1", "total_lots": 1, "created_at": "then", "warnings": ["slow"]}
        results = {"completed_at": "now", "metadata": {}, "results": {"lots": [result("11-1")]}}
        with ScriptedServer((202, {}, job), (200, {}, {"status": "completed"}), (200, {}, results)) as server:
            answer = self.call(server.url, "generate", LOT, ["en"])
        self.assertEqual((answer["lots"], answer["processed_at"], answer["warnings"]), ([result("11-1")], "now", ["slow"]))

    def test_errors_print_message_code_details_and_request_id(self):
        with ScriptedServer((422, {}, {"code": "UNSUPPORTED_LANGUAGE", **REFUSED})) as server:
            with self.assertRaises(ApiError) as caught:
                self.call(server.url, "generate", LOT, ["xx"])
        expected = 'UNSUPPORTED_LANGUAGE: Do it otherwise. {"field": "x"} (request id req-1)'
        self.assertEqual((str(caught.exception), caught.exception.status), (expected, 422))

    def test_submit_sends_an_iterator_as_compressed_lines_twice_the_same(self):
        steps = [(503, SOON, {"code": "SERVICE_UNAVAILABLE"}), (201, {}, ACCEPTED)]
        with ScriptedServer(*steps) as server:
            lots = ({**LOT, "lot_id": number} for number in range(3000))
            self.assertEqual(self.call(server.url, "submit", lots, ["en"], metadata={"a": "b"}), ACCEPTED)
        (_, _, headers, first), (_, _, _, second) = server.received
        head, *rest = [json.loads(line) for line in second.splitlines()]
        self.assertEqual(first, second)
        self.assertEqual(head, {"version": "1.0.0", "languages": ["en"], "mode": "batch", "metadata": {"a": "b"}})
        self.assertEqual((len(rest), rest[-1]), (3000, {**LOT, "lot_id": 2999}))
        self.assertEqual(headers["Content-Encoding"], "gzip")

    def test_wait_asks_with_the_last_etag_and_tells_every_change(self):
        seen = []
        steps = [(200, {"ETag": '"1"'}, {"status": "processing"}), (304, {}, None), (200, {}, {"status": "failed"})]
        with ScriptedServer(*steps) as server:
            self.call(server.url, "wait", "job-1", lambda status: seen.append(status["status"]))
        self.assertEqual(seen, ["processing", "failed"])
        self.assertEqual([each[2].get("If-None-Match") for each in server.received], [None, '"1"', '"1"'])

    def test_results_go_on_after_each_cut_with_every_lot_once(self):
        steps = [
            ("stream", lines("a", "b") + b'{"lot', True),
            ("stream", lines("a", "b", "c") + b'{"lot', False),
            ("stream", lines("a", "b", "c", "d"), False),
        ]
        with ScriptedServer(*steps) as server:
            self.assertEqual([lot["lot_id"] for lot in self.call(server.url, "results", "job-1")], ["a", "b", "c", "d"])

    def test_results_of_a_running_job(self):
        steps = [(202, {}, {"status": "processing"}), ("stream", lines("a"), True)]
        with ScriptedServer(*steps) as server:
            with self.assertRaises(JobRunningError):
                self.call(server.url, "results", "job-1")
            with self.assertRaises(ConnectionFailedError):
                self.call(server.url, "results", "job-1", partial=True)

    def test_lists_cancels_pauses_and_resumes(self):
        pages = [(200, {}, {"jobs": [{"job_id": n}], "pagination": {"next_cursor": c}}) for n, c in (("1", "a+b"), ("2", None))]
        commands = [(200, {}, each) for each in ({"status": "cancelled"}, {"paused": True}, {"paused": False})]
        with ScriptedServer(*pages, *commands) as server:
            self.assertEqual([job["job_id"] for job in self.call(server.url, "jobs")], ["1", "2"])
            self.assertEqual(self.call(server.url, "cancel", "a/b"), {"status": "cancelled"})
            self.assertEqual(self.call(server.url, "pause", "a/b"), {"paused": True})
            self.assertEqual(self.call(server.url, "resume", "a/b"), {"paused": False})
        targets = [f"/api/v1/batch-jobs/a%2Fb/{name}" for name in ("cancel", "pause", "resume")]
        self.assertEqual([received[1] for received in server.received[2:]], targets)


class BlockingTests(Blocking, ClientTests, unittest.TestCase):
    pass


class AsynchronousTests(Asynchronous, ClientTests, unittest.TestCase):
    pass
