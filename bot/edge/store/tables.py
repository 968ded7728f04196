"""The schema. Money is nano-dollars, counts are integers, buckets and observation times are Unix seconds.

Every integer that can outgrow 32 bits says BigInteger: PostgreSQL would refuse what SQLite takes silently.
A dimension that is not grouped is '' and never NULL, because NULLs in a unique key never conflict.
"""

from datetime import UTC, datetime

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field

from bot.edge.store import fact_tables
from bot.edge.store.fact_tables import Base

ORGANIZATION = "default"
"""An admin key belongs to exactly one organization and no endpoint names it; the column is there for the second."""

assert fact_tables.SERIES_COLUMNS  # importing the module puts series and facts into the same metadata


def utc(at: datetime) -> datetime:
    """Return a stored instant as aware UTC: SQLite forgets the zone where a driver reads past the models."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class SourceState(Base, table=True):
    """What is stored of a source at a width, and what this organization offers of it."""

    __tablename__ = "source_state"

    organization_id: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    width: str = Field(primary_key=True)
    since: str | None = None
    """The first day stored without a hole up to `through`; None before the first complete read."""
    through: str | None = None
    """The first day not stored yet."""
    read_at: datetime | None = None
    """The instant (`now`) of the last complete poll of it."""
    reread_at: datetime | None = None
    """When the last 35 days were last read again."""
    floor: str | None = None
    """The day before which the API refused to answer; asked again once a day."""
    floored_at: datetime | None = None
    """When it last refused that."""
    user_from: str | None = None
    """The first day from which costs were asked for by user too; None where they are not."""
    offered: bool = True
    refused: list[str] = Field(default_factory=list, sa_type=JSON)
    """Groupings the organization's API refused."""
    probed_at: datetime | None = None
    """When it last refused them, or the whole source."""


class Backfill(Base, table=True):
    """A `sync --since` under way: how far it came, so that a stopped one goes on."""

    __tablename__ = "backfill"

    organization_id: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    width: str = Field(primary_key=True)
    since: str
    until: str
    reached: str
    """Every day from here up to `until` is read."""
    begun_at: datetime


class BucketChecksum(Base, table=True):
    """In which bytes a bucket of the last days came; see `bot.edge.store.checksums`."""

    __tablename__ = "bucket_checksum"

    organization_id: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    width: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    checksum: str


class NameRow(Base, table=True):
    """Every (id, name) ever seen; the newest is the current one. Deleted things cannot be looked up again."""

    __tablename__ = "name"

    organization_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    project_id: str = ""
    archived: bool = False
    first_seen_at: datetime
    last_seen_at: datetime


class PollRow(Base, table=True):
    """One tick: what was asked, what came, and whether it was complete."""

    __tablename__ = "poll"

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    now: datetime
    began_at: datetime
    ended_at: datetime
    complete: bool
    changed: int


class PollSource(Base, table=True):
    __tablename__ = "poll_source"

    poll_id: int = Field(primary_key=True, foreign_key="poll.id")
    source: str = Field(primary_key=True)
    width: str = Field(primary_key=True)
    complete: bool
    pages: int = 0
    rows: int = 0
    changed: int = 0
    seconds: float = 0.0
    why: str = ""
    """Why it was not complete, or what it goes without."""


class BookRow(Base, table=True):
    """A rulebook that loaded well: the running bot goes on with the newest when an edit is bad."""

    __tablename__ = "rulebook"

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    hash: str
    commit: str = ""
    loaded_at: datetime
    files: dict[str, str] = Field(sa_type=JSON)


class RuleRow(Base, table=True):
    """A rule that has been evaluated: its first evaluation speaks once for all its groups."""

    __tablename__ = "rule"

    organization_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    each: str
    first_at: datetime


class IncidentRow(Base, table=True):
    """A run of trouble of one rule and group, with what was said of it."""

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("organization_id", "rule_id", "group_ids", "occurrence", name="incident_is_unique"),
    )

    fingerprint: str = Field(primary_key=True)
    organization_id: str
    rule_id: str
    group_ids: str
    """JSON list of the group's ids."""
    occurrence: str
    """The first day of its period, or the number of its run."""
    state: str
    level: str = ""
    severity: str = ""
    said_levels: list[str] = Field(default_factory=list, sa_type=JSON)
    """Levels announced or passed over in an announcement, lowest first."""
    value_nano: int = Field(sa_type=BigInteger)
    amount_nano: int = Field(sa_type=BigInteger)
    said_nano: int = Field(sa_type=BigInteger)
    """The figure people last heard in a message or a thread line."""
    peak_nano: int = Field(sa_type=BigInteger)
    span_start: str
    span_end: str
    """The (last) breached period, half-open."""
    days: list[str] = Field(default_factory=list, sa_type=JSON)
    """The first day of each breached period."""
    opened_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    reason: str
    counts: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    """How often each transition to each level happened."""
    poll_id: int | None = Field(default=None, foreign_key="poll.id")
    """The data version its state rests on."""
    facts: dict[str, object] = Field(default_factory=dict, sa_type=JSON)
    """What its card says: words and figures, decided with the state."""
    forecast: str | None = None
    """The forecast level that stands, beside the actual one."""


class AcknowledgementRow(Base, table=True):
    """Who looks after an incident: no reminder, no escalation, until it grows or becomes graver."""

    __tablename__ = "acknowledgement"

    fingerprint: str = Field(primary_key=True, foreign_key="incident.fingerprint")
    by: str
    """A Slack user id, or a name of the shell."""
    at: datetime
    value_nano: int = Field(sa_type=BigInteger)
    """Its value then: 25% more takes the acknowledgement back."""
    severity: str


class EventRow(Base, table=True):
    """A decision to speak. Every replica computes the same key, and the database keeps one."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("fingerprint", "transition", "level", "n", name="event_is_unique"),)

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(index=True)
    transition: str
    level: str
    n: int
    at: datetime
    reason: str
    value_nano: int = Field(sa_type=BigInteger)
    poll_id: int | None = Field(default=None, foreign_key="poll.id")
    """The data version it fired on."""


class CardRow(Base, table=True):
    """One message in one room: an incident's card, a table of several, or a message of its own."""

    __tablename__ = "card"

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    key: str = Field(unique=True)
    target_kind: str
    target: str
    form: str
    """`incidents`, or what else it says: `close`, `ops`."""
    body: dict[str, object] = Field(default_factory=dict, sa_type=JSON)
    """What a message that is not about incidents says."""
    created_at: datetime
    due_at: datetime
    gathers_until: datetime | None = None
    """While it waits: openings of its room join it until then."""
    channel: str = ""
    ts: str = ""
    posted_at: datetime | None = None
    revision: int = 1
    shown_revision: int = 0
    try_at: datetime | None = None
    """Not edited again before."""


class CardMember(Base, table=True):
    """An incident lives in exactly one message of a room."""

    __tablename__ = "card_member"
    __table_args__ = (UniqueConstraint("fingerprint", "target_kind", "target", name="one_message_per_room"),)

    card_id: int = Field(primary_key=True, foreign_key="card.id")
    fingerprint: str = Field(primary_key=True, foreign_key="incident.fingerprint")
    target_kind: str
    target: str


class NoticeRow(Base, table=True):
    """What is to be delivered for one event in one room: the message itself, or a line in its thread."""

    __tablename__ = "notice"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    event_id: int | None = Field(default=None, foreign_key="event.id")
    card_id: int = Field(foreign_key="card.id", index=True)
    act: str
    """`post` or `reply`."""
    text: str = ""
    """The line of a reply, in mrkdwn."""
    broadcast: bool = False
    state: str = Field(default="waiting", index=True)
    """waiting → sending → sent; `dropped` when its room refuses for good and somebody was told."""
    attempts: int = 0
    try_at: datetime
    sending_at: datetime | None = None
    sent_at: datetime | None = None
    ts: str = ""
    why: str = ""
    silence_id: int | None = Field(default=None, foreign_key="silence.id")
    """The silence that holds it back; `held` until that ends."""


class SilenceRow(Base, table=True):
    """What is not said for a while, why, and who wanted it so."""

    __tablename__ = "silence"

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    matchers: dict[str, list[str]] = Field(default_factory=dict, sa_type=JSON)
    """Key → patterns, in the grammar of `select` plus rule, severity, label and fingerprint; all must match."""
    reason: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    """At most 31 days after it was made."""
    with_incident: bool = False
    """It ends with the incident its fingerprint names, if that is earlier."""
    wake_nano: int | None = Field(default=None, sa_type=BigInteger)
    """It ends for an incident that grows by so much."""
    began: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    """Fingerprint → its value when the silence first held it back."""
    ended_at: datetime | None = None
    ended_by: str = ""
    """Who took it back; `time`, `incident` or `wake` when nobody did."""


class AuditRow(Base, table=True):
    """Who changed what, when, from what to what. Written with the change, never rewritten."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    at: datetime
    who: str
    what: str
    """The verb: `ack`, `unack`, `silence`, `unsilence`, `subscribe`, `unsubscribe`."""
    subject: str
    before: dict[str, object] = Field(default_factory=dict, sa_type=JSON)
    after: dict[str, object] = Field(default_factory=dict, sa_type=JSON)


class SubscriptionRow(Base, table=True):
    """A report that somebody wants sent to them alone, again and again. Ended ones stay: the audit names them."""

    __tablename__ = "subscription"

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    user_id: str = Field(index=True)
    """A Slack user id: it comes as a direct message."""
    schedule: str
    """A cron expression of five fields, in `zone`."""
    zone: str
    """IANA name of the clocks its owner lived by when it was made."""
    wanted: str
    """When it comes, as people say it: `weekly monday 09:00`."""
    report: str
    """What it says, as words behind `report`: `last-week by project`."""
    made_at: datetime
    last_at: datetime
    """The last time it fell due that was looked after; at first, when it was made."""
    ended_at: datetime | None = None
    ended_by: str = ""
    """Who ended it; `gone` when its owner cannot be reached any more."""


class HomeRow(Base, table=True):
    """Somebody's Home tab, as it was last shown to them."""

    __tablename__ = "home"

    organization_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    opened_at: datetime
    shown: str = ""
    """A hash of what it says; '' before it was shown."""
    slack_hash: str = ""
    """Slack's own, by which it knows whether something newer is shown."""


class SpendLimitRow(Base, table=True):
    """OpenAI's own hard limit of the organization or of one project, as it was last read."""

    __tablename__ = "spend_limit"

    organization_id: str = Field(primary_key=True)
    project_id: str = Field(primary_key=True)
    """'' for the organization's own."""
    status: str
    """`set`, `none` or `unknown`: an answer that could not be read is no answer."""
    amount_nano: int | None = Field(default=None, sa_type=BigInteger)
    enforcement: str = ""
    """OpenAI's word: `inactive`, `enforcing`."""
    read_at: datetime
    why: str = ""
    """Why it is unknown."""


class EstimateRow(Base, table=True):
    """What a day was estimated to cost before it was billed: the last estimate made of it."""

    __tablename__ = "estimate"

    organization_id: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    project_id: str = Field(primary_key=True)
    line_item: str = Field(primary_key=True)
    estimated_nano: int = Field(sa_type=BigInteger)
    known: bool = True
    """Priced by the organization's own bills; False where a public price had to do."""
    made_at: datetime


class RoomRow(Base, table=True):
    """A target people hear in: its gathering window, and its trouble."""

    __tablename__ = "room"

    organization_id: str = Field(primary_key=True)
    target_kind: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    gathers_until: datetime | None = None
    trouble: str = ""


class Marker(Base, table=True):
    """Small facts of the bot itself: when it last evaluated, what it has said of its own trouble."""

    __tablename__ = "marker"

    key: str = Field(primary_key=True)
    value: str


class Heard(Base, table=True):
    """Commands, clicks and events Slack delivered, for an hour: a redelivery does nothing."""

    __tablename__ = "heard"

    key: str = Field(primary_key=True)
    at: datetime
