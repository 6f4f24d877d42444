"""A batch client written from the contract alone: json, csv, hmac, hashlib and urllib, nothing of the service's own.

Reads one JSON object from standard input: origin, key_id, secret (the client), other_key_id, other_secret (someone else),
lots (of the first job), other_lots (of a job to cancel) and languages.
Makes the first job, follows it to its end, downloads it in every format and counts it anew; makes the second and cancels it;
asks for both with the other key. Writes what it saw as one JSON object.
"""

import collections
import csv
import hashlib
import hmac
import io
import json
import sys
import time
import urllib.error
import urllib.request

GENERATE = "/api/v1/generate-descriptions"
ENDED = ("completed", "failed", "cancelled")
TIMEOUT = 60

Answer = collections.namedtuple("Answer", "code headers body")


class Client:
    """Signs every request by scheme 1."""

    def __init__(self, origin: str, key_id: str, secret: str) -> None:
        self.origin, self.key_id, self.secret = origin, key_id, secret

    def send(self, method: str, target: str, data: object = None, headers: dict | None = None) -> Answer:
        body = b"" if data is None else json.dumps(data).encode()
        timestamp = str(int(time.time()))
        text = "\n".join(["v1", timestamp, method, target, hashlib.sha256(body).hexdigest()])
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        signed = {"X-Key-Id": self.key_id, "X-Timestamp": timestamp, "X-Signature": "v1=" + signature}
        if data is not None:
            signed["Content-Type"] = "application/json"
        call = urllib.request.Request(self.origin + target, body or None, {**signed, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(call, timeout=TIMEOUT) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def create(self, lots: list, languages: list) -> dict:
        request = {"version": "1.0.0", "mode": "batch", "languages": languages, "lots": lots}
        answer = self.send("POST", GENERATE, request)
        assert answer.code == 201, (answer.code, answer.body)
        return json.loads(answer.body)

    def follow(self, job_id: str) -> dict:
        """Asks as often as Retry-After says, and takes a 304 for what it is: nothing new."""
        target, etag, codes, waits = "/api/v1/batch-status/" + job_id, None, collections.Counter(), []
        while True:
            answer = self.send("GET", target, headers={} if etag is None else {"If-None-Match": etag})
            codes[answer.code] += 1
            assert answer.code in (200, 304), (answer.code, answer.body)
            if answer.code == 200:
                etag, status = answer.headers["ETag"], json.loads(answer.body)
                if status["status"] in ENDED:
                    break
            wait = int(answer.headers["Retry-After"])
            waits.append(wait)
            time.sleep(wait)
        unchanged = self.send("GET", target, headers={"If-None-Match": etag})
        return {
            "status": status,
            "codes": codes,
            "waits": waits,
            "retry_after_at_end": answer.headers["Retry-After"],
            "unchanged": {"code": unchanged.code, "bytes": len(unchanged.body), "same_etag": unchanged.headers["ETag"] == etag},
        }


def count(lots: list) -> dict:
    """A job's lots, counted anew."""
    counted = collections.Counter(lot["status"] for lot in lots)
    codes = collections.Counter(lot["error"]["code"] for lot in lots if lot["status"] == "failed")
    texts = collections.Counter(text["language"] for lot in lots for text in lot["descriptions"])
    return {
        "lots": len(lots),
        "different": len({lot["lot_id"] for lot in lots}),
        "status": counted,
        "errors": codes,
        "texts": texts,
        "fallbacks": sum(text.get("fallback", False) for lot in lots for text in lot["descriptions"]),
        "missing_images": sum(len(lot["missing_images"]) for lot in lots),
        "without_markup": sum(not text["damages"].startswith("<p>") for lot in lots for text in lot["descriptions"]),
    }


def download(client: Client, job_id: str) -> dict:
    """The results as they are answered and as files of every format, which must all say the same."""
    target = "/api/v1/batch-results/" + job_id
    answered = json.loads(client.send("GET", target).body)
    files = {kind: client.send("GET", f"{target}/download?format={kind}") for kind in ("json", "ndjson", "csv")}
    lots = json.loads(files["json"].body)["results"]["lots"]
    lines = [json.loads(line) for line in files["ndjson"].body.decode().splitlines()]
    # utf-8-sig: the file starts with a byte order mark, for spreadsheets.
    rows = list(csv.DictReader(io.StringIO(files["csv"].body.decode("utf-8-sig"), newline="")))
    texts = [(lot["lot_id"], text["language"], text["damages"]) for lot in lots for text in lot["descriptions"]]
    bare = [row for row in rows if row["language"] == ""]
    return {
        "summary": answered["processing_summary"],
        "count": count(lots),
        "lot_ids": [lot["lot_id"] for lot in lots],
        "names": {kind: answer.headers["Content-Disposition"] for kind, answer in files.items()},
        "answer_is_file": answered["results"]["lots"] == lots,
        "ndjson_is_json": lines == lots,
        "csv_columns": list(rows[0]),
        "csv_texts_are_json": [(row["lot_id"], row["language"], row["damages"]) for row in rows if row["language"]] == texts,
        "csv_without_text": collections.Counter((row["status"], row["error"].split(":")[0]) for row in bare).most_common(),
        "csv_job_ids": sorted({row["job_id"] for row in rows}),
    }


def try_everything(client: Client, job_id: str) -> dict:
    """What someone gets for a job at every endpoint that takes one."""
    results, jobs = f"/api/v1/batch-results/{job_id}", f"/api/v1/batch-jobs/{job_id}"
    requests = [
        ("GET", f"/api/v1/batch-status/{job_id}"),
        ("GET", results),
        ("GET", results + "?partial=true"),
        *(("GET", f"{results}/download?format={kind}") for kind in ("json", "ndjson", "csv")),
        ("POST", jobs + "/cancel"),
        ("GET", jobs + "/events"),
        ("GET", jobs + "/deliveries"),
        ("POST", jobs + "/webhooks/replay"),
    ]
    answers = {}
    for method, target in requests:
        answer = client.send(method, target)
        answers[f"{method} {target.replace(job_id, '{job_id}')}"] = [answer.code, json.loads(answer.body).get("code")]
    return answers


def main() -> None:
    order = json.load(sys.stdin)
    client = Client(order["origin"], order["key_id"], order["secret"])
    other = Client(order["origin"], order["other_key_id"], order["other_secret"])

    created = client.create(order["lots"], order["languages"])
    job_id = created["job_id"]
    early = client.send("GET", "/api/v1/batch-results/" + job_id)
    other_early = try_everything(other, job_id)
    followed = client.follow(job_id)

    second = client.create(order["other_lots"], order["languages"])
    cancel = "/api/v1/batch-jobs/{}/cancel".format(second["job_id"])
    cancelled, again = client.send("POST", cancel), client.send("POST", cancel)
    listing = "/api/v1/batch-jobs?limit=100"
    lost_key = Client(order["origin"], order["key_id"], order["other_secret"])
    json.dump(
        {
            "created": created,
            "early_results": {"code": early.code, "body": json.loads(early.body), "retry_after": early.headers["Retry-After"]},
            "followed": followed,
            "downloaded": download(client, job_id),
            "second": second,
            "cancelled": [cancelled.code, json.loads(cancelled.body)],
            "cancelled_again": [again.code, json.loads(again.body)],
            "cancelled_status": client.follow(second["job_id"])["status"],
            "cancelled_results": download(client, second["job_id"]),
            "jobs": json.loads(client.send("GET", listing).body),
            "other_early": other_early,
            "other_late": try_everything(other, job_id),
            "other_jobs": json.loads(other.send("GET", listing).body),
            "lost_key": try_everything(lost_key, job_id),
        },
        sys.stdout,
    )


main()
