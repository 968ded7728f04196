"""No secret is shown or kept, whatever fails: every way out is looked at with canaries for keys."""

import io
import logging
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot import logs
from bot.app import App
from bot.demo.openai_faults import BadJson, Cut, Html, Mutate, Status
from bot.edge.openai import OpenAI
from bot.edge.slack import Slack
from bot.edge.store.store import Store
from bot.settings import Settings, passwords, read
from bot.worker import Worker
from tests import engines
from tests.shell import Here, bare, environment, started
from tests.standins.slack import (
    BROKEN_JSON,
    DROP_AFTER,
    DROP_BEFORE,
    HTML,
    SERVER_ERROR,
    Fault,
    rate_limited,
    refuse,
)
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

NOW = "2025-10-05T12:00:00Z"
RULES = "version: 1\nrules: [{id: total, kind: budget, select: {}, period: month, amount: 100}]\n"
KEY = "sk-admin-canary_openai"
SIGNING = "c0ffee-canary-signing"
BEAT = "ping/canary-heartbeat"
NO_DATABASE = "postgresql://bot:canary-database@127.0.0.1:1/budgets"
SECRET = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
HTTP_SPOKEN = {"Retry-After": "1", "X-Request-Id": "req_1"}


@contextmanager
def heartbeat(status=500):
    """Somebody outside who waits for a sign of life, and answers with what was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self):
            self.send_response(status, f"not now, {self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{BEAT}"
        finally:
            server.shutdown()
            thread.join()


def kept(folder):
    """Every byte that a bot left behind, but for the rules."""
    return b"".join(
        file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix != ".yaml"
    )


@pytest.fixture
def everything_is_logged(monkeypatch):
    """All libraries at DEBUG, which is more than any command lets them say."""
    configure = logs.configure

    def all_of_it(level=logging.INFO):
        configure(logging.DEBUG)
        logging.getLogger().setLevel(logging.DEBUG)

    monkeypatch.setattr("bot.logs.configure", all_of_it)
    monkeypatch.setattr("bot.deliver.LOOK_AGAIN", 0)
    monkeypatch.setattr("bot.poll.WAIT", 0.2)


@dataclass
class Bot:
    world: object
    folder: object
    here: object
    given: dict

    def __call__(self, *words, **more):
        return self.here(self.folder, {**self.given, **more}, *words)


@pytest.fixture
def bot(tmp_path, monkeypatch, capsys, everything_is_logged):
    monkeypatch.setattr(logs, "_hidden", set())
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",), admin_key=KEY) as built, heartbeat() as beats:
        built._clock[0] = at("2025-10-05 12:00")
        built.rules(RULES)
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        given = environment(
            built,
            OPENAI_ADMIN_KEY=KEY,
            SLACK_SIGNING_SECRET=SIGNING,
            BUDGETBOT_HEARTBEAT_URL=beats,
        )
        yield Bot(built, tmp_path, Here(monkeypatch, capsys), given)


def clear(done):
    """Assert that nothing which somebody may read holds a secret."""
    for said in (done.out, done.err):
        found = re.search(r".{0,200}canary.{0,40}", said.replace("test_canary.py", ""), re.DOTALL)
        assert found is None, found[0]


def quoting(kind):
    """A failure of OpenAI whose words are the key itself."""
    return Status(kind, {"error": {"message": f"Incorrect API key provided: {KEY}."}}, HTTP_SPOKEN)


def forged(page):
    """A page that breaks the contract and quotes the key where a sentence about it may."""
    for bucket in page.get("data", ()):
        for row in bucket.get("results", ()):
            row["amount"] = {"value": KEY, "currency": KEY}
    return page


OPENAI = {
    "401": quoting(401),
    "403": quoting(403),
    "429": quoting(429),
    "500": quoting(500),
    "503 in plain text": Status(503, KEY),
    "a redirect": Status(302, "", {"Location": f"https://elsewhere.example/{KEY}"}),
    "HTML": Html(),
    "cut": Cut(),
    "JSON that ends": BadJson(),
    "an amount that is the key": Mutate(forged),
}
TOKEN = "xoxb-1-canary-bot"
SLACK = {
    "500": SERVER_ERROR,
    "429": rate_limited(0),
    "HTML": HTML,
    "broken JSON": BROKEN_JSON,
    "cut before": DROP_BEFORE,
    "cut after": DROP_AFTER,
    "invalid_auth": refuse("invalid_auth", token=TOKEN),
    "a code that is the token": refuse(TOKEN),
    "401": Fault("not_authed", 401, extra={"provided": TOKEN}),
    "403": Fault("forbidden", 403, {"X-Token": TOKEN}),
    "blocks refused": refuse(
        "invalid_blocks", errors=[f"bad {TOKEN}"], response_metadata={"messages": [TOKEN]}
    ),
}


@pytest.mark.parametrize("fault", OPENAI.values(), ids=OPENAI)
def test_whatever_openai_answers(bot, fault):
    bot.world.openai.break_down(fault)
    for words in (("poll", "--now", NOW), ("doctor",), ("doctor", "--format", "json")):
        done = bot(*words)
        clear(done)
        assert "Traceback" not in done.err
    assert b"canary" not in kept(bot.folder)


@pytest.mark.parametrize("fault", SLACK.values(), ids=SLACK)
def test_whatever_slack_answers(bot, fault):
    bot.world.slack.down = fault
    for words in (("poll", "--now", NOW), ("doctor",), ("doctor", "--format", "json")):
        done = bot(*words)
        clear(done)
        assert '"debug"' in done.err or words[0] == "doctor"
    assert b"canary" not in kept(bot.folder)


HOOKED = """\
version: 1
defaults: {route: r}
routes: {r: {channel: ai-spend, webhook: FINANCE_WEBHOOK}}
rules: [{id: total, kind: budget, select: {}, period: month, amount: 100}]
"""


@pytest.mark.parametrize("status", [200, 302, 401, 410, 500])
def test_whatever_a_webhook_answers(bot, status):
    bot.world.rules(HOOKED)
    with heartbeat(status) as address:
        given = {"FINANCE_WEBHOOK": address, "FINANCE_WEBHOOK_SECRET": f"whsec_{SECRET}"}
        for words in (("poll", "--now", NOW), ("doctor",), ("check",), ("doctor", "--format", "json")):
            done = bot(*words, **given)
            clear(done)
            assert SECRET not in done.out + done.err
            if words[0] == "poll":
                assert ("event sent" in done.err) == (status == 200)
                assert "FINANCE_WEBHOOK" in done.err
    assert SECRET.encode() not in kept(bot.folder)
    assert b"canary" not in kept(bot.folder)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"FINANCE_WEBHOOK_SECRET": "whsec_canary"}, id="a secret that is too short"),
        pytest.param({"FINANCE_WEBHOOK": "http://hooks.example/canary"}, id="an address in clear"),
        pytest.param({"FINANCE_WEBHOOK": "https://u:canary@hooks.example/"}, id="an address with a password"),
        pytest.param({"FINANCE_WEBHOOK": "http://127.0.0.1:1/canary-refused"}, id="nobody there"),
        pytest.param({"FINANCE_WEBHOOK": None}, id="no address"),
    ],
)
def test_a_webhook_that_is_set_up_wrong(bot, wrong):
    bot.world.rules(HOOKED)
    hook = {"FINANCE_WEBHOOK": f"https://hooks.example/{BEAT}", "FINANCE_WEBHOOK_SECRET": f"whsec_{SECRET}"}
    given = {name: held for name, held in {**bot.given, **hook, **wrong}.items() if held is not None}
    for words in (("poll", "--now", NOW), ("doctor",)):
        done = bot.here(bot.folder, given, *words)
        clear(done)
        assert SECRET not in done.out + done.err
        assert "Traceback" not in done.err
    assert b"canary" not in kept(bot.folder)


ASKED = [
    ("status",),
    ("report", "--format", "json"),
    ("history",),
    ("explain", "total"),
    ("why",),
    ("export",),
    ("check",),
    ("backtest",),
    ("db", "current"),
    ("db", "verify"),
    ("db", "prune"),
    ("db", "backup", "copy.db"),
    ("db", "copy", "--to", NO_DATABASE),
    ("db", "copy", "--to", "host=127.0.0.1 port=1 password=canary-other dbname=x"),
    ("poll", "--dry-run", "--now", NOW),
    ("manifest",),
]


def test_whatever_is_asked_when_all_is_well(bot):
    assert bot("poll", "--now", NOW).code == 0
    for words in ASKED:
        done = bot(*words)
        clear(done)
        assert done.code in (0, 1, 4), words
    assert b"canary" not in kept(bot.folder)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(NO_DATABASE, id="refused"),
        pytest.param(
            "postgres://bot:canary-database@127.0.0.1:1/budgets?sslmode=nonsense",
            id="a word it does not know",
        ),
        pytest.param("postgresql://bot:canary%ZZ@127.0.0.1:1/budgets", id="a broken escape"),
        pytest.param("host=127.0.0.1 port=1 user=bot password='canary database'", id="in libpq's words"),
        pytest.param("host=127.0.0.1 port=1 passwort=canary-database", id="a misspelt word"),
        pytest.param("mysql://bot:canary-database@127.0.0.1/budgets", id="another database"),
        pytest.param("bot:canary-database@127.0.0.1", id="no address"),
        pytest.param("sqlite://bot:canary-database@host/file.db", id="SQLite with a password"),
        pytest.param("sqlite:////nowhere/at/all/file.db?password=canary-database", id="SQLite with a query"),
    ],
)
def test_a_database_that_cannot_be_had(bot, address):
    for words in (("poll", "--now", NOW), ("status",), ("doctor",), ("db", "upgrade"), ("db", "current")):
        done = bot(*words, DATABASE_URL=address)
        clear(done)
        assert done.code in (1, 3, 4), (words, done)
        assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"OPENAI_ADMIN_KEY": "canary key"}, id="a key with a blank"),
        pytest.param({"OPENAI_ADMIN_KEY": "canary\u2014key"}, id="a key with a dash"),
        pytest.param({"SLACK_BOT_TOKEN": "canary-no-token"}, id="no bot token"),
        pytest.param({"SLACK_APP_TOKEN": "canary-no-token"}, id="no app token"),
        pytest.param({"OPENAI_BASE_URL": "https://user:canary@api.openai.com/v1"}, id="a password in an address"),
        pytest.param({"OPENAI_BASE_URL": "http://api.openai.com/canary"}, id="an address in clear"),
        pytest.param({"SLACK_API_URL": "https://slack.com/api/?token=canary"}, id="a token in an address"),
        pytest.param({"BUDGETBOT_HEARTBEAT_URL": "http://beats.example/canary"}, id="a heartbeat in clear"),
        pytest.param({"BUDGETBOT_HEARTBEAT_URL": "canary"}, id="no heartbeat"),
        pytest.param({"BUDGETBOT_RULES_URL": "https://x/canary {what}"}, id="an address of rules"),
        pytest.param({"OPENAI_ADMIN_KEY": None, "OPENAI_ADMIN_KEY_FILE": "canary.txt"}, id="a file that holds two lines"),
    ],
)  # fmt: skip
def test_settings_that_are_wrong(bot, wrong):
    (bot.folder / "canary.txt").write_text("sk-canary\nsk-canary-2\n", encoding="utf-8")
    given = {name: held for name, held in {**bot.given, **wrong}.items() if held is not None}
    for words in (("poll", "--now", NOW), ("doctor",), ("run",)):
        done = bot.here(bot.folder, given, *words)
        said = (done.out + done.err).replace("canary.txt", "")
        assert "canary" not in said
        assert done.code in (1, 3) or words[0] == "poll", (words, done)


def test_a_traceback_is_shown_without_secrets(bot, monkeypatch):
    def bug(*_args, **_more):
        raise RuntimeError(f"{KEY} {SIGNING} {TOKEN} {bot.given['BUDGETBOT_HEARTBEAT_URL']} {NO_DATABASE}")

    monkeypatch.setattr("bot.poll.tick", bug)
    done = bot("poll", "--now", NOW)
    clear(done)
    assert done.code == 70
    assert "RuntimeError" in done.err


def test_a_thread_that_ends_by_a_bug_tells_no_secret():
    script = (
        "import threading, bot.__main__ as m\n"
        "from bot.logs import hide\n"
        "hide(['c0ffee-canary-signing'])\n"
        "def bug(): raise RuntimeError('c0ffee-canary-signing', 'xoxb-1-canary')\n"
        "def run(**_):\n"
        "    worker = threading.Thread(target=bug, name='ears'); worker.start(); worker.join(); return 0\n"
        "m.run = run\n"
        "m.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=bare({}), capture_output=True, text=True, check=False
    )
    assert "ears ended" in done.stderr
    assert "RuntimeError" in done.stderr
    assert "canary" not in done.stdout + done.stderr


def test_a_process_that_runs_with_every_neighbour_in_trouble(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",), admin_key=KEY) as built, heartbeat() as beats:
        built._clock[0] = at("2025-10-05 12:00")
        built.rules(RULES)
        built.slack.down = refuse("invalid_auth", token=TOKEN)
        built.openai.break_down(quoting(401))
        given = environment(built, OPENAI_ADMIN_KEY=KEY, BUDGETBOT_HEARTBEAT_URL=beats)
        with started(tmp_path / "process", {**given, "PYTHONPATH": "."}, "run", "--http", "0") as bot:
            deadline = time.monotonic() + 30
            while "refuses the key" not in bot.err.read_text() and time.monotonic() < deadline:
                time.sleep(0.05)
            done = bot.end(signal.SIGTERM, 30)
    assert "refuses the key" in done.err
    clear(done)
    assert b"canary" not in kept(tmp_path)


def settings(tmp_path):
    return Settings(
        openai_admin_key=KEY,
        slack_bot_token="xoxb-canary",
        slack_app_token="xapp-canary",
        slack_signing_secret=SIGNING,
        database_url=f"sqlite:///{tmp_path}/b.db",
        budgetbot_heartbeat_url=f"https://beats.example/{BEAT}",
    )


def test_nothing_shows_a_secret_when_it_is_printed(tmp_path):
    held = settings(tmp_path)
    with App.open(held) as app:
        shown = [
            held,
            app,
            app.store,
            app.rules,
            app.openai,
            app.openai._transport,
            app.openai._transport._client,
            app.slack,
            app.slack._caller,
            app.slack._caller._once,
            app.courier(),
            app.syncer(),
            Worker(app, threading.Event()),
        ]
        for each in shown:
            assert "canary" not in f"{each!r} {each} {vars(type(each)).get('__doc__')}", type(each)
    assert "canary" not in repr(OpenAI(KEY, "https://api.openai.com/v1"))
    assert "canary" not in repr(Slack("xoxb-canary", "https://slack.com/api/"))


def test_every_setting_that_is_secret_is_known_by_value(tmp_path, monkeypatch):
    """Whoever adds a setting that `repr` hides says whether its value must be hidden from logs too."""
    public = {"openai_base_url", "slack_api_url", "budgetbot_rules_url", "database_url"}
    hidden = {name for name, known in Settings.__dataclass_fields__.items() if not known.repr} - public
    for name in hidden:
        value = "https://hooks.example/canary-of-no-shape" if name.endswith("_url") else "canary-of-no-shape"
        monkeypatch.setattr(logs, "_hidden", set())
        logs.hide(Settings(**{name: value}).secrets)
        assert "canary" not in logs.clean(f"GET /canary-of-no-shape of {value}"), name


@pytest.mark.parametrize(
    ("address", "password"),
    [
        pytest.param("postgresql://bot:canary%40pass@h/d", "canary@pass", id="escaped"),
        pytest.param("postgresql://bot:canary-pass@h/d", "canary-pass", id="plain"),
        pytest.param("postgresql+psycopg://:canary-pass@h", "canary-pass", id="no user"),
        pytest.param("postgresql://h/d?user=a&password=canary-pass&x=y", "canary-pass", id="in the query"),
        pytest.param("host=h password=canary-pass dbname=d", "canary-pass", id="libpq"),
        pytest.param("host=h password = 'canary pass' dbname=d", "canary pass", id="libpq, quoted"),
    ],
)  # fmt: skip
def test_the_password_of_a_database_is_hidden_however_it_is_told(monkeypatch, address, password):
    monkeypatch.setattr(logs, "_hidden", set())
    assert password in passwords(address)
    logs.hide(read({"DATABASE_URL": address}).secrets)
    assert password not in logs.clean(f"connecting with {password!r} to {password} {address}")


def test_a_database_that_knows_its_password_never_tells_it(tmp_path, monkeypatch):
    """PostgreSQL itself: what it refuses in the middle of the work is told with its statement, not with our key."""
    monkeypatch.setattr(logs, "_hidden", set())
    url = engines.new_database()
    joined = "&" if "?" in url else "?"
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("sqlalchemy")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with Store(f"{url}{joined}password=canary-database") as store:
            told = f"{store!r} {store.url!r} {store.url}"
            with pytest.raises(Exception, match="nowhere") as failed, store.reading() as tx:
                tx.exec_driver_sql("SELECT 1 FROM nowhere")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert "canary" not in f"{told} {failed.value!r} {failed.value} {stream.getvalue()}"
