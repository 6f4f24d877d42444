import gzip
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "test-shared-key-0123456789abcdef-not-secret"


class ScriptedServer:
    """Answers each request by the next step: (status, headers, body), "cut", or ("stream", body, cut[, next cursor])."""

    def __init__(self, *steps):
        self.steps, self.received = list(steps), []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                scripted.answer(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, http):
        body = read_body(http)
        if http.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.append((http.command, http.path, http.headers, body))
        text = f"v1\n{http.headers['X-Timestamp']}\n{http.command}\n{http.path}\n{hashlib.sha256(body).hexdigest()}"
        expected = "v1=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        step = self.steps.pop(0)
        if http.headers["X-Signature"] != expected:
            step = (403, {}, {"code": "INVALID_SIGNATURE"})
        http.close_connection = True
        if step == "cut":
            return
        if step[0] == "stream":
            _, data, cut, *cursor = step
            http.send_response(200)
            http.send_header("Transfer-Encoding", "chunked")
            for each in cursor:
                http.send_header("X-Next-Cursor", each)
            http.end_headers()
            http.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n" + (b"" if cut else b"0\r\n\r\n"))
            return
        status, headers, answer = step
        data = b"" if status == 304 else json.dumps(answer).encode()
        http.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            http.send_header(name, value)
        http.end_headers()
        http.wfile.write(data)


def read_body(http):
    if http.headers.get("Transfer-Encoding") != "chunked":
        return http.rfile.read(int(http.headers.get("Content-Length", 0)))
    body = b""
    while True:
        size = int(http.rfile.readline(), 16)
        body += http.rfile.read(size)
        http.rfile.readline()
        if size == 0:
            return body
