"""`python -m tests.load`: people type at a steady rate at a real `serve` that polls meanwhile, on the demo organization.

Prints how long acknowledgements and answers took, and exits 1 when one of them never came.
"""

import argparse
import hashlib
import hmac
import http.client
import itertools
import json
import queue
import random
import socket
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import click

from bot.demo.openai_server import OpenAIServer
from bot.demo.organization import Organization
from tests.shell import ROOT, started
from tests.standins.slack import SlackStandIn

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
WORDS = (
    "",
    "status all",
    "report last-month by project",
    "report 7d by model",
    "top 5 by api_key 7d",
    "compare 7d",
    "why yesterday",
    "alerts",
    "forecast",
    "rules",
    "help",
)
"""What is asked, the first ones most often."""


class Answers(ThreadingHTTPServer):
    """Where answers come: each response_url once, with the time it took."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        self.asked, self.took = {}, {}
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request, client_address):
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.path.rpartition("/")[2]
        if not body["text"].startswith(":hourglass"):
            self.server.took.setdefault(key, time.monotonic() - self.server.asked[key])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def signed(body):
    stamp = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signature}",
    }


def type_commands(address, answers, jobs, acks, failed):
    """One of many people at a time: posts what is due over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", address, timeout=10)
    while (job := jobs.get()) is not None:
        key, words, user = job
        body = urlencode(
            {
                "command": "/budget",
                "text": words,
                "user_id": user,
                "team_id": "T1TEAM",
                "channel_id": "C1OPS",
                "trigger_id": f"load.{key}",
                "response_url": f"http://127.0.0.1:{answers.server_address[1]}/respond/{key}",
            }
        )
        began = answers.asked[key] = time.monotonic()
        try:
            connection.request("POST", "/slack/events", body, signed(body))
            reply = connection.getresponse()
            reply.read()
            if reply.status == 200:
                acks.append(time.monotonic() - began)
            else:
                failed.append(f"HTTP {reply.status}")
        except OSError as error:
            failed.append(type(error).__name__)
            connection.close()
    connection.close()


def run(rate, seconds, seed):
    """Return (seconds to each acknowledgement, to each answer, what failed, polls made meanwhile)."""
    chosen, organization = random.Random(seed), Organization()
    answers = Answers()
    threading.Thread(target=answers.serve_forever, daemon=True).start()
    with (
        tempfile.TemporaryDirectory() as folder,
        SlackStandIn() as slack,
        OpenAIServer(organization, now=lambda: datetime.now(UTC), admin_key="sk-admin-demo") as openai,
    ):
        address = port()
        given = {
            "OPENAI_ADMIN_KEY": "sk-admin-demo",
            "OPENAI_BASE_URL": openai.base_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": slack.api_url,
            "SLACK_SIGNING_SECRET": SECRET,
            "DATABASE_URL": f"sqlite:///{folder}/load.db",
            "BUDGETBOT_RULES": str(ROOT / "bot" / "demo" / "rules.yaml"),
            "BUDGETBOT_CHANNEL": "ops",
            "BUDGETBOT_POLL": "* * * * *",
            "PORT": str(address),
        }
        with started(Path(folder) / "run", given, "serve") as process:
            _until_ready(address)
            before = len(openai.asked("/organization/costs"))
            jobs, acks, failed = queue.Queue(), [], []
            people = [
                threading.Thread(target=type_commands, args=(address, answers, jobs, acks, failed))
                for _ in range(32)
            ]
            for person in people:
                person.start()
            began = time.monotonic()
            for place in itertools.count():
                due = began + place / rate
                if due > began + seconds:
                    break
                time.sleep(max(0.0, due - time.monotonic()))
                words = WORDS[min(int(chosen.expovariate(0.4)), len(WORDS) - 1)]
                jobs.put((str(place), words, chosen.choice(("U1ALICE", "U2BOB"))))
            for _ in people:
                jobs.put(None)
            for person in people:
                person.join()
            deadline = time.monotonic() + 30
            while len(answers.took) < len(acks) and time.monotonic() < deadline:
                time.sleep(0.1)
            polls = len(openai.asked("/organization/costs")) - before
            done = process.end()
            if done.code != 0:
                failed.append(f"exit {done.code}: {done.err[-300:]}")
    answers.shutdown()
    answers.server_close()
    failed += ["no answer"] * (len(acks) - len(answers.took))
    return acks, list(answers.took.values()), failed, polls


def _until_ready(address):
    deadline = time.monotonic() + 120
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", address, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        assert time.monotonic() < deadline, "it never became ready"
        time.sleep(0.3)


def p(values, share):
    return statistics.quantiles(values, n=100)[share - 1] * 1000


def main():
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rate", type=float, default=100, help="commands a second")
    wanted.add_argument("--seconds", type=float, default=60)
    wanted.add_argument("--seed", type=int, default=1)
    asked = wanted.parse_args()
    acks, took, failed, polls = run(asked.rate, asked.seconds, asked.seed)
    click.echo(
        f"{len(acks)} commands at {asked.rate:g} a second, {polls} polls of costs meanwhile, seed {asked.seed}"
    )
    click.echo(
        f"acknowledged: p50 {p(acks, 50):.0f} ms, p99 {p(acks, 99):.0f} ms, longest {max(acks) * 1000:.0f} ms"
    )
    click.echo(
        f"answered:     p50 {p(took, 50):.0f} ms, p99 {p(took, 99):.0f} ms, longest {max(took) * 1000:.0f} ms"
    )
    click.echo(f"failed: {len(failed)} {sorted(set(failed))[:5]}")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
