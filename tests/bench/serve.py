"""`python -m tests.bench.serve FOLDER SECONDS`: the rendered pages over HTTP, out of files, after some latency.

A process of its own, so that what it costs is not charged to who reads; pages are sent by the kernel.
"""

import json
import os
import socket
import socketserver
import subprocess
import sys
import time
from contextlib import contextmanager
from email.utils import formatdate
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

KEY = "sk-admin-bench"


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, folder, latency):
        self.folder, self.latency = Path(folder), latency
        self.names, self.keys = json.loads((self.folder / "names.json").read_text())
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Server

    def handle(self):
        while request := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            path, _, query = request.split()[1].decode().partition("?")
            if self.server.latency:
                time.sleep(self.server.latency)
            try:
                self._answer(path.removeprefix("/v1/organization/"), parse_qs(query))
            except OSError:
                return  # the caller left

    def _answer(self, path, asked):
        asked = {name.removesuffix("[]"): values for name, values in asked.items()}
        if path == "costs" or path.startswith("usage/"):
            self._page(path.rpartition("/")[2], asked)
        elif path == "projects" or path.endswith("/api_keys"):
            self._list(path, asked)
        elif path == "users" or path.endswith("/service_accounts"):
            self._json({"object": "list", "data": [], "has_more": False})
        else:
            told = {"error": {"message": "No spend limit is set.", "code": "not_found", "type": "error"}}
            self._json(told, "404 Not Found")

    def _list(self, path, asked):
        if path == "projects":
            items = [
                {"object": "organization.project", "id": key, "name": name, "status": "active"}
                for key, name in self.server.names.items()
            ]
        else:
            items = [{"id": key, "name": f"{key} key"} for key in self.server.keys[path.split("/")[1]]]
        first = next((n + 1 for n, item in enumerate(items) if [item["id"]] == asked.get("after")), 0)
        some = items[first : first + 100]
        more = first + 100 < len(items)
        last = some[-1]["id"] if some else None
        self._json({"object": "list", "data": some, "has_more": more, "last_id": last})

    def _page(self, source, asked):
        width = asked.get("bucket_width", ["1d"])[0]
        step = 3_600 if width == "1h" else 86_400
        start, end = int(asked["start_time"][0]), int(asked["end_time"][0])
        start = int(asked["page"][0]) if "page" in asked else start
        stop = min(end, start + step * int(asked["limit"][0]))
        parts = [b'{"object":"page","data":[']
        for place in range(start, stop, step):
            if place > start:
                parts.append(b",")
            parts.append(rendered(self.server.folder / source / width / f"{place}.json", place, step))
        more, cursor = ("true", f'"{stop}"') if stop < end else ("false", "null")
        parts.append(f'],"has_more":{more},"next_page":{cursor}}}'.encode())
        self._head("200 OK", sum(len(part) if isinstance(part, bytes) else part[1] for part in parts))
        for part in parts:
            if isinstance(part, bytes):
                self.request.sendall(part, 0 if part is parts[-1] else socket.MSG_MORE)
                continue
            sent = 0
            while sent < part[1]:
                sent += os.sendfile(self.request.fileno(), part[0], sent, part[1] - sent)

    def _json(self, told, status="200 OK"):
        body = json.dumps(told).encode()
        self._head(status, len(body))
        self.request.sendall(body)

    def _head(self, status, length):
        lines = (
            f"HTTP/1.1 {status}",
            f"Date: {formatdate(usegmt=True)}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
        )
        self.request.sendall("\r\n".join((*lines, "", "")).encode(), socket.MSG_MORE)


@cache
def rendered(file, start, step):
    """Return an open file and its size, or an empty bucket as bytes where nothing was rendered."""
    try:
        held = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return f'{{"object":"bucket","start_time":{start},"end_time":{start + step},"results":[]}}'.encode()
    return held, os.fstat(held).st_size


@contextmanager
def serving(folder, latency=0.0):
    """Serve a folder in a process of its own; gives its address for OPENAI_BASE_URL."""
    words = [sys.executable, "-m", "tests.bench.serve", str(folder), str(latency)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


def main():
    import resource

    soft = min(8_192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with Server(sys.argv[1], float(sys.argv[2])) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
