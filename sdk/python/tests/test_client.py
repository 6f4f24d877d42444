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

    def test_results_go_on_after_each_cut_from_behind_the_last_lot(self):
        steps = [
            ("stream", lines("a", "b / ü") + b'{"lot', True),
            "cut",
            ("stream", lines("c") + b'{"lot', False),
            ("stream", lines("d"), False),
        ]
        with ScriptedServer(*steps) as server:
            lots = self.call(server.url, "results", "job-1")
        self.assertEqual([lot["lot_id"] for lot in lots], ["a", "b / ü", "c", "d"])
        behind = ["", "?after=b+%2F+%C3%BC", "?after=b+%2F+%C3%BC", "?after=c"]
        self.assertEqual([each[1] for each in server.received], [f"/api/v1/batch-results/job-1{each}" for each in behind])

    def test_results_are_only_those_that_are_chosen(self):
        steps = [("stream", lines("b"), True), ("stream", lines("c"), False)]
        chosen = {"status": "failed", "code": ["REFUSED", "NO_IMAGES"], "needs_review": False, "after": "a", "partial": True}
        with ScriptedServer(*steps) as server:
            self.assertEqual(len(self.call(server.url, "results", "job-1", **chosen)), 2)
        query = "partial=true&status=failed&code%5B%5D=REFUSED&code%5B%5D=NO_IMAGES&needs_review=false"
        targets = [f"/api/v1/batch-results/job-1?{query}&after={each}" for each in "ab"]
        self.assertEqual([each[1] for each in server.received], targets)

    def test_results_of_a_running_job(self):
        running = (202, {}, {"status": "processing"})
        with ScriptedServer(running, running, running) as server:
            for name, *args in (("results",), ("download", "csv"), ("download", "json")):
                with self.assertRaises(JobRunningError):
                    self.call(server.url, name, "job-1", *args)

    def test_a_file_comes_by_pages_of_which_one_is_asked_for_again_after_a_cut(self):
        names = "\ufeffjob_id,lot_id\r\n".encode()
        steps = [
            ("stream", names + b"job-1,a\r\n", False, "p1"),
            ("stream", names + b'job-1,"b', True, "p2"),
            ("stream", names + b'job-1,"b\r\nb"\r\n', False, "p2"),
            ("stream", names + b"job-1,c\r\n", False),
        ]
        with ScriptedServer(*steps) as server:
            chunks = self.call(server.url, "download", "job-1", "csv", needs_review=True)
        self.assertEqual(b"".join(chunks), names + b'job-1,a\r\njob-1,"b\r\nb"\r\njob-1,c\r\n')
        first = "/api/v1/batch-results/job-1/download?format=csv&needs_review=true&limit=500"
        targets = [first, f"{first}&after=p1", f"{first}&after=p1", f"{first}&after=p2"]
        self.assertEqual([each[1] for each in server.received], targets)

    def test_a_json_document_that_is_cut_is_an_error(self):
        with ScriptedServer(("stream", b'{"job_id":', True)) as server:
            with self.assertRaises(ConnectionFailedError):
                self.call(server.url, "download", "job-1", "json")

    def test_retries_lots_and_says_what_a_retry_would_take(self):
        retried, estimate = {**ACCEPTED, "retry_of": "job-1"}, {"lots": 3, "estimated_cost_usd": 0.03, "warnings": []}
        with ScriptedServer("cut", (201, {}, retried), (200, {}, estimate), (201, {}, retried)) as server:
            self.assertEqual(self.call(server.url, "retry", "job-1"), retried)
            self.assertEqual(self.call(server.url, "estimate_retry", "job-1", codes=["REFUSED"]), estimate)
            self.assertEqual(self.call(server.url, "retry", "job-1", lot_ids=["a", 7], idempotency_key="mine"), retried)
        bodies = [json.loads(body) for *_, body in server.received]
        self.assertEqual(bodies, [{}, {}, {"codes": ["REFUSED"], "dry_run": True}, {"lot_ids": ["a", 7]}])
        keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.received]
        self.assertEqual((keys[0] == keys[1], keys[2], keys[3]), (True, None, "mine"))

    def test_checks_photos_and_reads_usage(self):
        with ScriptedServer((200, {}, {"photos": []}), (200, {}, {"rows": []}), (200, {}, {"rows": []})) as server:
            self.call(server.url, "photo_check", ["https://cdn.test/1.jpg", {"url": "https://cdn.test/2.jpg"}])
            self.call(server.url, "usage", from_day="2026-01-01", to_day="2026-01-31", group_by="mode")
            self.assertEqual(self.call(server.url, "usage"), {"rows": []})
        checked, queried, plain = server.received
        self.assertEqual(json.loads(checked[3]), {"images": ["https://cdn.test/1.jpg", {"url": "https://cdn.test/2.jpg"}]})
        self.assertEqual(queried[1], "/api/v1/usage?from=2026-01-01&to=2026-01-31&group_by=mode")
        self.assertEqual((checked[1], plain[1]), ("/api/v1/photo-check", "/api/v1/usage"))

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


class Beginning(unittest.TestCase):
    def test_not_without_an_address_or_a_secret(self):
        for client in (GenerationService, AsyncGenerationService):
            for url, secret in (("", SECRET), ("http://127.0.0.1:1", "")):
                with self.assertRaises(ValueError):
                    client(url, secret)


class BlockingTests(Blocking, ClientTests, unittest.TestCase):
    pass


class AsynchronousTests(Asynchronous, ClientTests, unittest.TestCase):
    pass
