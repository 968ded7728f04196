"""The three ways in which Slack loses an acknowledgement, threads that run out, and a socket that goes deaf."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from bot.edge.slack_app import Handlers, Socket, build_app, drain
from tests.standins.slack import APP_TOKEN, BOT_TOKEN, SlackStandIn

MODAL = {
    "type": "modal",
    "callback_id": "unheard.of",
    "title": {"type": "plain_text", "text": "A modal"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "words"}}],
}


class Bot:
    """Remembers what reached it; what it does with it is the test's business."""

    def __init__(self):
        self.told, self.seen, self.lock = [], set(), threading.Lock()
        self.work = lambda: None
        self.handlers = Handlers(
            lambda payload, respond: (self.hear("command"), respond({"text": "an answer"})),
            lambda action, payload, respond: self.hear(action),
            self.first_time,
            lambda kind, payload: self.hear(kind),
            lambda callback, payload, respond: self.hear(callback),
        )

    def hear(self, what):
        self.told.append(what)
        self.work()

    def first_time(self, key):
        with self.lock:
            fresh = key not in self.seen
            self.seen.add(key)
            return fresh


@pytest.fixture
def standin():
    with SlackStandIn() as standin:
        yield standin


@pytest.fixture
def bot():
    return Bot()


@contextmanager
def heard(standin, bot, **more):
    app = build_app(BOT_TOKEN, standin.api_url, bot.handlers)
    opened = Socket(app, APP_TOKEN, ping_interval=0.2, first_wait=0.02, longest_wait=0.1, **more)
    opened.connect()
    try:
        standin.people.wait_connected()
        yield opened
    finally:
        opened.close()
        drain(app)


def submitted(standin):
    return standin.people.submit(standin.web.show("U1ALICE", MODAL))


DONE = {
    "command": lambda standin: standin.slash("nobody knows"),
    "nobody.knows": lambda standin: standin.click("nobody.knows", "v9"),
    "team_join": lambda standin: standin.event({"type": "team_join", "user": {"id": "U1ALICE"}}),
    "unheard.of": submitted,
}


@pytest.mark.parametrize("what", DONE)
def test_whatever_people_do_is_acked_although_its_listener_raises(standin, bot, what):
    """No listener that matches, or one that raises before or right after its ack, and Slack shows a timeout."""

    def work():
        raise RuntimeError("the database is on fire")

    bot.work = work
    with heard(standin, bot):
        assert DONE[what](standin).acked
    assert bot.told == [what]


@pytest.mark.parametrize("what", DONE)
def test_what_is_delivered_twice_is_acked_twice_and_done_once(standin, bot, what):
    with heard(standin, bot):
        asked = DONE[what](standin)
        assert standin.people.again(asked).acks == 2
    assert bot.told == [what]


def test_events_and_modals_that_take_long_keep_no_command_from_its_ack(standin, bot):
    release = threading.Event()
    bot.work = lambda: release.wait(20)
    with heard(standin, bot):
        try:
            for _ in range(45):
                assert DONE["team_join"](standin).acked
            assert submitted(standin).acked
            assert standin.slash("status", ack_within=2).acked
        finally:
            release.set()
    assert len(bot.told) == 47, "what waited is done before the bot ends"


class Wire:
    """A wire to the stand-in's sockets that can be cut without a sign: it stays up and carries nothing."""

    def __init__(self, port):
        self.port, self.cut, self.ends, self.threads = port, [], [], []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.run(self.accept)

    def run(self, work, *args):
        thread = threading.Thread(target=work, args=args)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        with suppress(OSError):
            while True:
                near, _ = self.door.accept()
                far = socket.create_connection(("127.0.0.1", self.port))
                silent = threading.Event()
                self.cut.append(silent)
                self.ends += [near, far]
                self.run(self.carry, near, far, silent)
                self.run(self.carry, far, near, silent)

    def carry(self, source, sink, silent):
        with suppress(OSError):
            while held := source.recv(65_536):
                if not silent.is_set():
                    sink.sendall(held)
        with suppress(OSError):
            if not silent.is_set():
                sink.shutdown(socket.SHUT_RDWR)

    def close(self):
        for end in (self.door, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self.threads:
            thread.join()


def test_a_socket_that_dies_without_a_sign_is_noticed_and_made_anew(standin, bot, monkeypatch):
    """Nothing is closed and nothing comes: only the pings, which nobody answers, tell."""
    wire = Wire(standin.people._server.socket.getsockname()[1])
    address = f"ws://127.0.0.1:{wire.door.getsockname()[1]}/link/"
    monkeypatch.setattr(type(standin.people), "socket_url", property(lambda people: address))
    try:
        with heard(standin, bot, deaf_seconds=0.6, rebuild_seconds=0.4) as opened:
            assert standin.slash("status").wait()
            dead = standin.people.sockets[0]
            wire.cut[0].set()
            standin.people.wait_connected(2)
            # Slack would send to any of them; the dead one is not forgotten by its side yet.
            standin.people.sockets[:] = [each for each in standin.people.sockets if each is not dead]
            assert standin.slash("status").wait()
            assert opened.alive()
            standin.people.sockets.append(dead)
    finally:
        wire.close()
