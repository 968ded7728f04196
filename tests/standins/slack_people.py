"""People in the stand-in: what they type and click travels over a real websocket, what they are answered comes back."""

import itertools
import json
import socket
import threading
import time
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.standins.slack_deeds import Asked, Deeds
from tests.standins.slack_rules import Refused, check_message

USES, SECONDS = 5, 30 * 60
ANSWER_KEYS = {
    "text",
    "blocks",
    "attachments",
    "response_type",
    "replace_original",
    "delete_original",
    "thread_ts",
}


class People(Deeds):
    """The sockets, and those who use them. Slack sends each envelope to one of the open sockets."""

    def __init__(self, slack) -> None:
        self.slack = slack
        self.sockets: list = []
        self.connections = 0
        self.asked: dict[str, Asked] = {}
        self._by_envelope: dict[str, Asked] = {}
        self._ids = itertools.count(1)
        self._turn = itertools.count()
        self._changed = threading.Condition()

    def __enter__(self):
        # Frequent pings: they wake the client's reading thread, so that it notices a closing at once.
        self._server = serve(
            self._serve, "127.0.0.1", 0, ping_interval=0.05, ping_timeout=None, close_timeout=1
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        for held in list(self.sockets):
            held.close()
        self._server.shutdown()
        self._thread.join()

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/"

    def until(self, true, seconds: float = 10) -> bool:
        """Wait until something that people can see is true."""
        with self._changed:
            return self._changed.wait_for(true, seconds)

    def wait_connected(self, connections: int = 1) -> None:
        """Wait until a socket is open and so many have been opened in all."""
        assert self.until(lambda: self.sockets and self.connections >= connections), "no socket was opened"

    # What Slack's machines do

    def disconnect(self) -> None:
        """Ask every socket to be replaced; Slack closes it a little later, and so do clients."""
        for held in list(self.sockets):
            held.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))

    def drop(self) -> None:
        """Cut every socket without a word."""
        for held in list(self.sockets):
            with suppress(OSError):
                held.socket.shutdown(socket.SHUT_RDWR)

    def junk(self, frame: str) -> None:
        for held in list(self.sockets):
            held.send(frame)

    def receive(self, path: str, raw: str):
        """Take an answer to a response_url: five within half an hour, each a message Slack accepts."""
        key = path.removeprefix("/respond/")
        with self._changed:
            asked = self.asked.get(key)
            try:
                body = _checked(asked, raw, self.slack.web.ready_files())
            except Refused as refusal:
                if asked is not None:
                    asked.refusals.append((refusal.code, refusal.errors))
                    self._changed.notify_all()
                status = 404 if refusal.code.endswith("_url") else 400
                return status, {}, json.dumps({"ok": False, "error": refusal.code}).encode()
            asked.answers.append(body)
            self._changed.notify_all()
        return 200, {}, b"ok"

    # The wire

    def _do(self, kind: str, payload: dict, ack_within: float, *, respond: bool = True) -> Asked:
        asked = Asked(kind, payload, self, at=time.monotonic())
        if respond:
            key = f"T1TEAM/{next(self._ids)}/canary"
            payload["response_url"] = f"{self.slack.origin}/respond/{key}"
            self.asked[key] = asked
        return self._send(asked, ack_within, {})

    def _send(self, asked: Asked, ack_within: float, more: dict) -> Asked:
        envelope = f"e-{next(self._ids)}"
        seen = asked.acks
        with self._changed:
            self._by_envelope[envelope] = asked
            held = self.sockets[next(self._turn) % len(self.sockets)]
        asked.at = time.monotonic()
        frame = {
            "envelope_id": envelope,
            "type": asked.kind,
            "payload": asked.payload,
            "accepts_response_payload": True,
        }
        held.send(json.dumps(frame | more))
        self.until(lambda: asked.acks > seen, ack_within)
        return asked

    def _serve(self, held) -> None:
        query = held.request.path.partition("ticket=")[2].partition("&")[0]
        if query not in self.slack.web.tickets:
            held.close(4001, "a ticket is good for one socket")
            return
        self.slack.web.tickets.discard(query)
        held.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}))
        with self._changed:
            self.sockets.append(held)
            self.connections += 1
            self._changed.notify_all()
        try:
            for frame in held:
                self._acked(json.loads(frame))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._changed:
                self.sockets.remove(held)
                self._changed.notify_all()

    def _acked(self, frame: dict) -> None:
        with self._changed:
            asked = self._by_envelope.get(frame.get("envelope_id", ""))
            if asked is not None:
                asked.acks += 1
                asked.ack_seconds = asked.ack_seconds or time.monotonic() - asked.at
                asked.ack_payload = frame.get("payload")
                self._changed.notify_all()


def _checked(asked: Asked | None, raw: str, files: list[str]) -> dict:
    body = json.loads(raw)
    if asked is None:
        raise Refused("invalid_url")
    if len(asked.answers) >= USES:
        raise Refused("used_url")
    if time.monotonic() - asked.at > SECONDS:
        raise Refused("expired_url")
    if body.keys() - ANSWER_KEYS or body.get("response_type", "ephemeral") not in ("ephemeral", "in_channel"):
        raise Refused("invalid_payload")
    if not body.get("delete_original"):
        check_message(body, files)
    return body
