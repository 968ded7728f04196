"""Events to a webhook, told through the real tick: signed, once for the receiver, late for nobody, secret in no place."""

import json
import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bot import posting
from bot.app import wall_clock
from bot.core.errors import SetupWrong
from bot.demo.openai_faults import Status
from bot.edge import webhook as edge
from bot.edge.webhook import check_hook_url, check_secret
from bot.poll import failure
from bot.settings import webhook
from tests.engines import ENGINES, engine, look
from tests.shell import Here, environment
from tests.syncing import empty_database
from tests.test_overlays import Laid, silence
from tests.test_run import wait_for
from tests.world import SEARCH, at, world

KEY = "Y2FuYXJ5LWtleS1jYW5hcnkta2V5LWNhbmFyeQ=="
SECRET = f"whsec_{KEY}"
ALONE = "finance: {webhook: FINANCE_WEBHOOK}"
BESIDE = "finance: {channel: ai-spend, remind: never, webhook: FINANCE_WEBHOOK}"


ON_BOTH = pytest.mark.parametrize("on_engine", ENGINES, indirect=True, scope="module")


class Receiver:
    """Somebody's program: it verifies with the library and answers as it is told, the last answer for ever."""

    def __init__(self):
        self.heard = []
        self.answers = [200]
        self.lets = threading.Event()
        self.lets.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = dict(self.headers)
                Webhook(SECRET).verify(body, headers)
                receiver.heard.append((headers["webhook-id"], json.loads(body), headers))
                receiver.lets.wait(30)
                answers = receiver.answers
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer == "lost":
                    self.close_connection = True
                    return
                self.send_response(answer)
                if answer == 302:
                    self.send_header("Location", f"{receiver.home}/elsewhere")
                if answer == 503:
                    self.send_header("Retry-After", "120")
                self.send_header("Content-Length", "99999999999")  # nobody reads it
                self.end_headers()

            def do_GET(self):
                receiver.heard.append(("followed", {}, {}))

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, _, address):
                receiver.heard.append(("broken", {}, {}))

        self.server = Server(("127.0.0.1", 0), Handler)
        self.home = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.home}/hook/canary-token?sig=canary-query"

    @property
    def ids(self):
        return [each[0] for each in self.heard]

    @property
    def kinds(self):
        return [body.get("type") for _, body, _ in self.heard]

    def data(self, place=-1):
        return self.heard[place][1]["data"]


@contextmanager
def listening():
    built = Receiver()
    thread = threading.Thread(target=built.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield built
    finally:
        built.lets.set()
        built.server.shutdown()
        thread.join()
        built.server.server_close()


@pytest.fixture
def receiver(monkeypatch):
    with listening() as built:
        monkeypatch.setenv("FINANCE_WEBHOOK", built.url)
        monkeypatch.setenv("FINANCE_WEBHOOK_SECRET", SECRET)
        yield built


class Told(Laid):
    """A story whose real clock can be set forward."""

    def __init__(self, built):
        self.ahead = timedelta()
        super().__init__(built)

    def restart(self):
        super().restart()
        self.world.app.clock = lambda: wall_clock() + self.ahead

    def notices(self):
        return self.rows_of(
            "SELECT n.state, n.why FROM notice n JOIN card c ON c.id = n.card_id"
            " WHERE c.target_kind = 'webhook' ORDER BY n.id"
        )

    def tell(self, now, **how):
        """One tick, whatever becomes of its events."""
        return self.world.poll(now, **how)


@pytest.fixture
def story(tmp_path, receiver):
    if engine() == "sqlite":
        (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        yield Told(built)


@pytest.fixture
def at_once(monkeypatch):
    """What is put off is tried again at once, as often as the receiver has answers."""
    monkeypatch.setattr(posting, "FIRST_WAIT", timedelta())


def over(story, routes=ALONE, amount="1100", **more):
    """search-prod passes its budget on 2 Oct 12:00."""
    story.rules(routes, default="finance", **more)
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", amount)
    return story.tell("2026-10-02 12:00")


# -- what is sent ----------------------------------------------------------------------------------


def test_every_event_of_an_incident_is_one_signed_delivery(story, receiver):
    over(story, amount="850.000000001")
    story.spend("2026-10-03", "300")
    story.poll("2026-10-03 12:00")
    story.spend("2026-10-03", "0")
    story.poll("2026-10-03 18:00")
    story.poll("2026-11-01 12:00")
    assert receiver.kinds == [
        f"budget.alert.{transition}" for transition in ("fired", "raised", "corrected", "ended")
    ]
    assert len(set(receiver.ids)) == 4
    assert all(each.startswith("evt_") for each in receiver.ids)
    _, body, headers = receiver.heard[0]
    assert headers["Content-Type"] == "application/json"
    assert list(body) == ["type", "version", "timestamp", "data"]
    assert (body["version"], body["timestamp"]) == (1, "2026-10-02T12:00:00Z")
    data = body["data"]
    assert data.pop("fingerprint") == story.fingerprint()
    assert data == {
        "rule": "project-month",
        "kind": "budget",
        "title": "Monthly budget of a project",
        "subject": "search-prod",
        "group": {"project_id": SEARCH, "project": "search-prod"},
        "labels": {"tier": "prod"},
        "team": None,
        "period": {"start": "2026-10-01", "end": "2026-11-01"},
        "transition": "fired",
        "state": "firing",
        "level": "80%",
        "levels_passed": ["50%", "80%"],
        "severity": "warning",
        "value": "850.000000001",
        "amount": "1000",
        "ratio": 0.85,
        "estimated": "0",
        "unit": "usd",
        "reason": "first this period",
        "because": None,
        "note": None,
        "as_of": "2026-10-02T12:00:00Z",
        "commit": None,
        "link": None,
        "runbook": None,
    }
    assert [receiver.data(n)["state"] for n in range(4)] == ["firing", "firing", "firing", "ended"]
    assert story.world.posts == [], "a webhook alone posts nothing in Slack"


def test_beside_a_channel_both_hear_and_only_people_have_quiet_hours(story, receiver):
    routes = BESIDE.replace("}", ", quiet: nights}")
    story.rules(routes, quiet="{nights: {hours: 20:00-08:00}}", default="finance")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "850")
    story.poll("2026-10-02 22:00")
    assert (receiver.kinds, story.posts) == (["budget.alert.fired"], [])
    story.poll("2026-10-03 09:00")
    assert (len(receiver.heard), len(story.posts)) == (1, 1)


def test_the_floor_of_the_route_holds_for_its_webhook(story, receiver):
    over(story, "finance: {webhook: FINANCE_WEBHOOK, only: critical}", amount="850")
    assert receiver.heard == []
    story.spend("2026-10-03", "300")
    story.poll("2026-10-03 12:00")
    story.poll("2026-11-01 12:00")
    assert receiver.kinds == ["budget.alert.raised", "budget.alert.ended"]


@ON_BOTH
def test_what_is_silenced_is_sent_when_the_silence_ends_if_it_still_matters(story, receiver):
    story.rules(BESIDE, default="finance")
    story.poll("2026-10-01 12:00")
    silence(story, "silence project=search-prod for 2h -- migration", "2026-10-02 11:30")
    story.spend("2026-10-02", "850")
    story.poll("2026-10-02 12:00")
    assert receiver.heard == []
    story.poll("2026-10-02 14:00")
    story.poll("2026-10-02 15:00")
    assert receiver.kinds == ["budget.alert.fired"]
    assert receiver.heard[0][1]["timestamp"] == "2026-10-02T12:00:00Z", "it says when it was decided"
    assert not [key for (key,) in story.rows_of("SELECT key FROM marker") if key.startswith("held-event:")]


def test_what_was_silenced_and_is_over_is_sent_to_nobody(story, receiver):
    story.rules(ALONE, default="finance")
    story.poll("2026-10-01 12:00")
    silence(story, "silence project=search-prod for 20d -- quarter", "2026-10-15 11:30")
    story.spend("2026-10-15", "850")
    story.poll("2026-10-15 12:00")
    story.poll("2026-11-01 12:00")
    story.poll("2026-11-05 12:00")
    assert receiver.heard == []


def test_what_nobody_acknowledges_escalates_to_a_webhook_once(story, receiver):
    routes = (
        "finance: {channel: ai-spend, remind: never, escalate: {after: 24h, to: pager}}\n"
        "pager: {webhook: FINANCE_WEBHOOK}"
    )
    over(story, routes)
    story.poll("2026-10-02 12:05")
    for hour in (11, 13, 14):
        story.poll(f"2026-10-03 {hour}:00")
    assert receiver.kinds == ["budget.alert.escalated"]
    assert receiver.data()["reason"] == "nobody has acknowledged it for 24 hours"
    assert receiver.data()["fingerprint"] == story.fingerprint()


def test_the_bots_own_trouble_begins_and_is_over(story, receiver):
    story.rules("finance: {channel: ai-spend}\nops: {webhook: FINANCE_WEBHOOK}", default="finance")
    story.poll("2026-10-01 12:00")
    story.world.openai.break_down(Status(401))
    story.tell("2026-10-01 12:05")
    story.world.openai.recover()
    story.poll("2026-10-01 12:10")
    assert receiver.kinds == ["budgetbot.trouble.began", "budgetbot.trouble.over"]
    assert receiver.data(0)["trouble"] == receiver.data(1)["trouble"] == "silence"
    assert receiver.data(0)["remedy"]
    assert story.posts == []


# -- how it is delivered ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        pytest.param([200], 1, id="taken"),
        pytest.param([204], 1, id="taken without words"),
        pytest.param(["lost", 200], 2, id="the answer is lost"),
        pytest.param([500, 502, 200], 3, id="broken for a while"),
        pytest.param([429, 408, 425, 200], 4, id="busy for a while"),
    ],
)
def test_an_event_is_sent_until_it_is_taken_under_one_id(story, receiver, at_once, answers, tries):
    receiver.answers = [*answers]
    done = over(story)
    assert len(receiver.ids) == tries
    assert len(set(receiver.ids)) == 1
    assert len({json.dumps(body) for _, body, _ in receiver.heard}) == 1
    assert failure(done) is None
    assert story.notices() == [("sent", "")]


@ON_BOTH
def test_what_nobody_takes_waits_and_is_sent_by_the_next_process(story, receiver):
    receiver.answers = [503]
    done = over(story)
    assert "1 event could not be sent to a webhook yet" in str(failure(done))
    assert len(receiver.heard) == 1
    story.tell("2026-10-02 12:01")
    assert len(receiver.heard) == 1, "it asked for two minutes"
    receiver.answers = [200]
    story.restart()
    story.ahead = timedelta(minutes=3)
    story.poll("2026-10-02 12:05")
    assert len(set(receiver.ids)) == 1
    assert story.notices() == [("sent", "")]


@ON_BOTH
def test_a_receiver_that_is_down_for_hours_is_told_of_once_and_events_keep_their_order(
    story, receiver, monkeypatch
):
    receiver.answers = [500]
    monkeypatch.setattr(Webhook, "verify", lambda *_: None)  # its clock stands still
    over(story, amount="850")
    story.spend("2026-10-03", "300")
    for hour in range(1, 8):
        story.ahead += timedelta(hours=1, minutes=1)
        story.tell(f"2026-10-03 {hour:02}:00")
    (told,) = story.posts
    assert "The webhook FINANCE_WEBHOOK has taken nothing since" in told
    receiver.answers = [200]
    seen = len(receiver.heard)
    for hour in range(8, 10):
        story.ahead += timedelta(hours=1, minutes=1)
        story.tell(f"2026-10-03 {hour:02}:00")
    assert [body["data"]["value"] for _, body, _ in receiver.heard[seen:]] == ["850", "1150"]
    assert "The webhook FINANCE_WEBHOOK takes events again." in story.posts[-1]
    assert {state for state, _ in story.notices()} == {"sent"}


def test_an_event_that_alone_is_not_taken_keeps_the_others_waiting_for_a_while_only(
    story, receiver, monkeypatch
):
    def refuse(*_):
        if receiver.data()["transition"] == "fired":
            raise edge.HookTrouble("passing", "it answered 500")

    monkeypatch.setattr(edge, "_judge", refuse)
    monkeypatch.setattr(Webhook, "verify", lambda *_: None)  # its clock stands still
    over(story, amount="850")
    story.spend("2026-10-03", "300")
    for hour in range(6):
        story.ahead += timedelta(hours=1, minutes=1)
        story.tell(f"2026-10-03 {hour:02}:00")
    sent = [receiver.data(n)["transition"] for n in range(len(receiver.heard))]
    assert sent == [*["fired"] * 6, "raised", "fired"]


def test_after_three_days_an_event_is_history(story, receiver, monkeypatch):
    monkeypatch.setattr(Webhook, "verify", lambda *_: None)
    receiver.answers = [500]
    over(story)
    story.ahead = timedelta(days=3, minutes=1)
    story.tell("2026-10-05 12:00")
    assert story.notices()[0] == ("dropped", "it answered 500")
    assert "has taken nothing since" in story.posts[-1]


def test_a_receiver_that_wants_no_more_is_asked_no_more_until_its_address_is_another(
    story, receiver, monkeypatch
):
    receiver.answers = [410]
    over(story)
    (told,) = story.posts
    assert (
        "The webhook FINANCE_WEBHOOK is sent nothing more: it answered 410: it wants no more events." in told
    )
    story.spend("2026-10-03", "300")
    story.poll("2026-10-03 12:00")
    assert (len(receiver.heard), len(story.posts)) == (1, 1)
    monkeypatch.setenv("FINANCE_WEBHOOK", f"{receiver.home}/another")
    receiver.answers = [200]
    story.poll("2026-11-01 12:00")
    assert receiver.kinds[1:] == ["budget.alert.ended"]
    assert "takes events again" in story.posts[-1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(401, "it answered 401.", id="signature refused"),
        pytest.param(404, "it answered 404.", id="nobody there"),
        pytest.param(302, "it answered 302, which leads elsewhere.", id="sent elsewhere"),
    ],
)
def test_a_refusal_is_said_once_and_nobody_is_followed(story, receiver, answer, said):
    receiver.answers = [answer]
    over(story)
    story.spend("2026-10-03", "300")
    story.poll("2026-10-03 12:00")
    (told,) = story.posts
    assert f"The webhook FINANCE_WEBHOOK refuses events, which are lost to it: {said}" in told
    assert "followed" not in receiver.ids
    assert {state for state, _ in story.notices()} == {"dropped"}


def test_a_receiver_that_hangs_delays_nobody(story, receiver):
    receiver.lets.clear()
    story.rules(f"{BESIDE}\nother: {{webhook: OTHER}}", default="finance")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "1100")
    done = story.tell("2026-10-02 12:00", wait=0.0)
    wait_for(lambda: receiver.heard)
    assert len(story.posts) == 1, "Slack has heard, and the receiver has not answered yet"
    assert done.delivered.waiting == 0
    assert story.notices()[0][0] == "sending"
    story.world.app.poster.begin()
    receiver.lets.set()
    assert story.world.app.poster.wait(30) == 0
    assert len(receiver.heard) == 1


def test_one_that_answers_never_is_given_up_on_and_tried_again(story, receiver, at_once):
    receiver.lets.clear()
    story.world.app.poster.patience = 0.2
    story.rules(ALONE, default="finance")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "1100")
    story.tell("2026-10-02 12:00", wait=0.0)
    wait_for(lambda: len(receiver.heard) > 1)
    receiver.lets.set()
    assert story.world.app.poster.wait(30) == 0
    assert len(set(receiver.ids)) == 1


def test_another_process_takes_up_what_a_dead_one_left_under_the_same_id(story, receiver, monkeypatch):
    receiver.lets.clear()
    monkeypatch.setattr(Webhook, "verify", lambda *_: None)
    story.rules(ALONE, default="finance")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "1100")
    monkeypatch.setattr("bot.edge.store.hooks.sent", lambda *_: "")  # killed before it is written
    story.tell("2026-10-02 12:00", wait=0.0)
    wait_for(lambda: receiver.heard)
    receiver.lets.set()
    story.world.app.poster.wait(30)
    monkeypatch.undo()
    monkeypatch.setattr(Webhook, "verify", lambda *_: None)
    monkeypatch.setenv("FINANCE_WEBHOOK", receiver.url)
    monkeypatch.setenv("FINANCE_WEBHOOK_SECRET", SECRET)
    story.restart()
    story.tell("2026-10-02 12:00", wait=0.1)
    assert len(receiver.heard) == 1, "it is lent for a minute"
    story.ahead = timedelta(minutes=1, seconds=1)
    story.tell("2026-10-02 12:01")
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    assert story.notices() == [("sent", "")]


def test_without_its_setting_events_wait_and_somebody_is_told(story, receiver, monkeypatch):
    monkeypatch.delenv("FINANCE_WEBHOOK_SECRET")
    monkeypatch.setattr(Webhook, "verify", lambda *_: None)
    over(story)
    (told,) = story.posts
    assert "events wait: FINANCE_WEBHOOK_SECRET is not set" in told
    monkeypatch.setenv("FINANCE_WEBHOOK_SECRET", SECRET)
    story.ahead = timedelta(hours=1, minutes=1)
    story.poll("2026-10-02 13:01")
    assert receiver.kinds == ["budget.alert.fired"]
    assert "takes events again" in story.posts[-1]


def test_a_forged_body_is_no_event(receiver, story):
    over(story)
    _, body, headers = receiver.heard[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(json.dumps({**body, "version": 2}), headers)


# -- settings and secrets --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://example.com/hook", "neither https nor on this machine", id="in clear"),
        pytest.param("https://me:canary@example.com/", "carries a user or a password", id="a password"),
        pytest.param("example.com/canary", "is not an address", id="no scheme"),
        pytest.param("https://example.com/#canary", "carries a query", id="a fragment"),
        pytest.param("https://example.com/?a=canary#b", "is not an address", id="a fragment after a query"),
        pytest.param("https://example.com/?a=cana ry", "is not an address", id="a blank"),
    ],
)
def test_addresses_that_are_refused(url, said):
    with pytest.raises(SetupWrong, match=said) as refused:
        check_hook_url("FINANCE_WEBHOOK", url)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("canary", id="no prefix"),
        pytest.param(KEY, id="only base64"),
        pytest.param("whsec_", id="empty"),
        pytest.param("whsec_Y2FuYXJ5", id="short"),
        pytest.param("whsec_canary!canary!canary!canary!", id="no base64"),
        pytest.param("whsec_cänäry", id="not ASCII"),
    ],
)
def test_secrets_that_are_refused(secret):
    with pytest.raises(SetupWrong, match="is not a webhook's secret") as refused:
        check_secret("FINANCE_WEBHOOK_SECRET", secret)
    assert secret not in str(refused.value) or secret == "whsec_"


def test_settings_come_from_the_environment_a_file_or_dotenv_and_never_show(tmp_path):
    (tmp_path / "where").write_text("https://example.com/canary\n", encoding="utf-8")
    (tmp_path / ".env").write_text(f"FINANCE_WEBHOOK_SECRET={SECRET}\n", encoding="utf-8")
    given = {"FINANCE_WEBHOOK_FILE": str(tmp_path / "where")}
    found = webhook("FINANCE_WEBHOOK", given, dotenv=tmp_path / ".env")
    assert (found.url, found.secret) == ("https://example.com/canary", SECRET)
    assert "canary" not in repr(found)
    assert KEY not in repr(found)
    with pytest.raises(SetupWrong, match="FINANCE_WEBHOOK is not set"):
        webhook("FINANCE_WEBHOOK", {})
    with pytest.raises(SetupWrong, match="FINANCE_WEBHOOK_FILE cannot be read"):
        webhook("FINANCE_WEBHOOK", {"FINANCE_WEBHOOK_FILE": str(tmp_path / "nowhere")})


@pytest.mark.parametrize("answer", [200, 500, 410, 404, "lost"])
def test_neither_address_nor_secret_stands_anywhere(story, receiver, tmp_path, monkeypatch, capsys, answer):
    from bot import logs

    configure = logs.configure

    def all_of_it(level=0):
        configure(logging.DEBUG)
        logging.getLogger().setLevel(logging.DEBUG)

    monkeypatch.setattr("bot.logs.configure", all_of_it)
    story.rules(ALONE, default="finance")
    story.poll("2026-10-01 12:00")
    story.spend("2026-10-02", "1100")
    story.world.stop()
    story.world._clock[0] = at("2026-10-02 12:00")
    receiver.answers = [answer]
    here = Here(monkeypatch, capsys)
    given = environment(story.world, FINANCE_WEBHOOK=receiver.url, FINANCE_WEBHOOK_SECRET=SECRET)
    done = here(tmp_path, given, "poll", "--now", "2026-10-02T12:00:00Z")
    assert done.code in (0, 4), done.err
    assert len(receiver.heard) == 1
    assert any("httpx" in line["logger"] for line in done.logs), "at DEBUG libraries speak too"
    look_at = done.out + done.err + json.dumps(receiver.heard[0][1])
    look_at += "".join(message.text for message in story.slack.messages)
    url = story.world.settings.database_url
    for table in ("card", "notice", "marker", "room", "audit"):
        look_at += repr(look(url, f"SELECT * FROM {table}"))
    doctor = here(tmp_path, given, "doctor")
    look_at += doctor.out + doctor.err
    assert "FINANCE_WEBHOOK and FINANCE_WEBHOOK_SECRET are set" in doctor.out
    assert "canary" not in look_at
    assert KEY[:12] not in look_at


def test_doctor_says_what_is_wrong_with_the_setting_and_a_rehearsal_sends_nothing(
    story, receiver, tmp_path, monkeypatch, capsys
):
    story.rules(ALONE, default="finance")
    story.spend("2026-10-02", "1100")
    story.world.stop()
    story.world._clock[0] = at("2026-10-02 12:00")
    here = Here(monkeypatch, capsys)
    given = environment(
        story.world, FINANCE_WEBHOOK="http://example.com/canary", FINANCE_WEBHOOK_SECRET=SECRET
    )
    doctor = here(tmp_path, given, "doctor")
    assert doctor.code == 1
    assert "webhook FINANCE_WEBHOOK" in doctor.out
    assert "neither https nor on this machine" in doctor.out
    assert "nobody hears" not in doctor.out
    assert "canary" not in doctor.out + doctor.err
    given |= {"FINANCE_WEBHOOK": receiver.url}
    rehearsed = here(tmp_path, given, "poll", "--dry-run", "--now", "2026-10-02T12:00:00Z")
    assert rehearsed.code == 0, rehearsed.err
    assert receiver.heard == []


def test_routes_are_told_with_their_webhook(story, tmp_path, monkeypatch, capsys):
    story.rules(f"{BESIDE}\npager: {{webhook: PAGER, only: critical}}", default="finance")
    here = Here(monkeypatch, capsys)
    rules = story.world.rules_folder
    rules.joinpath("more.yaml").write_text(
        "version: 1\nrules: [{id: b, kind: budget, select: {}, period: month, amount: 9, route: pager}]\n",
        encoding="utf-8",
    )
    told = here(tmp_path, {}, "check", str(rules), "--routes").out
    assert "webhook FINANCE_WEBHOOK: route finance\n    project-month: 50% info" in told
    assert "webhook PAGER: route pager, critical only\n    b: 100% critical" in told
    asked = here(tmp_path, {}, "check", str(rules), "--routes", "--format", "json").json["routes"]["rooms"]
    assert [(room["channel"], room["webhook"], room["route"]) for room in asked] == [
        (None, "PAGER", "pager"),
        ("ai-spend", None, "finance"),
        (None, "FINANCE_WEBHOOK", "finance"),
    ]
