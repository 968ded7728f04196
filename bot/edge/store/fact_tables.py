"""The schema of what is measured: series, and what each came to by bucket, now and as it was known before.

Clustered by day first, in integers alone: these are the tables with millions of rows.
"""

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from bot.core.dimension import COLUMNS

SERIES_COLUMNS = tuple("image_source" if column == "source" else column for column in COLUMNS)
"""The columns of `series`, in the order of the wire's; only images' `source` would collide with ours."""


class Base(SQLModel):
    """What every table's class is: the schema, and never asked to validate, so that what would is not made."""

    model_config = {"defer_build": True}


class SeriesRow(Base, table=True):
    """Source and dimension values → a small integer that the facts carry."""

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("organization_id", "source", *SERIES_COLUMNS, name="series_is_unique"),
    )

    id: int | None = Field(default=None, primary_key=True)
    organization_id: str
    source: str
    project_id: str = ""
    user_id: str = ""
    api_key_id: str = ""
    model: str = ""
    batch: str = ""
    service_tier: str = ""
    size: str = ""
    image_source: str = ""
    vector_store_id: str = ""
    context_level: str = ""
    line_item: str = ""
    api_source: str = ""
    quantity_unit: str = ""


class FactKey(Base):
    """Day first: polls and rules read windows of days, whatever the length of the history."""

    bucket: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    series_id: int = Field(
        primary_key=True, foreign_key="series.id", sa_column_kwargs={"autoincrement": False}
    )
    observed_at: int = Field(sa_type=BigInteger)


class HistoryKey(FactKey):
    """A value that was replaced: it was known from `observed_at` up to `replaced_at`."""

    observed_at: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    replaced_at: int = Field(sa_type=BigInteger)


class CostValues(Base):
    amount_nano: int = Field(sa_type=BigInteger)
    quantity_micro: int | None = Field(default=None, sa_type=BigInteger)


class UsageValues(Base):
    """One column a metric, by its wire name; NULL where the source does not tell it."""

    input_tokens: int | None = Field(default=None, sa_type=BigInteger)
    output_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cached_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_uncached_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cache_write_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cache_write_30m_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cache_write_12h_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_text_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_audio_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_image_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cached_text_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cached_audio_tokens: int | None = Field(default=None, sa_type=BigInteger)
    input_cached_image_tokens: int | None = Field(default=None, sa_type=BigInteger)
    output_text_tokens: int | None = Field(default=None, sa_type=BigInteger)
    output_audio_tokens: int | None = Field(default=None, sa_type=BigInteger)
    output_image_tokens: int | None = Field(default=None, sa_type=BigInteger)
    num_model_requests: int | None = Field(default=None, sa_type=BigInteger)
    images: int | None = Field(default=None, sa_type=BigInteger)
    characters: int | None = Field(default=None, sa_type=BigInteger)
    seconds: int | None = Field(default=None, sa_type=BigInteger)
    usage_bytes: int | None = Field(default=None, sa_type=BigInteger)
    num_sessions: int | None = Field(default=None, sa_type=BigInteger)
    num_requests: int | None = Field(default=None, sa_type=BigInteger)


# Clustered by key: a third of the size and twice the upsert rate of a table with a row id of its own.
_CLUSTERED = {"sqlite_with_rowid": False}


class CostFact(CostValues, FactKey, table=True):
    __tablename__ = "cost_fact"
    __table_args__ = _CLUSTERED


class CostHistory(CostValues, HistoryKey, table=True):
    __tablename__ = "cost_history"
    __table_args__ = _CLUSTERED


class CostMonth(Base, table=True):
    """What a series cost in a calendar month, as its days say; see `bot.edge.store.months`."""

    __tablename__ = "cost_month"
    __table_args__ = _CLUSTERED

    bucket: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    """The Unix second it begins."""
    series_id: int = Field(
        primary_key=True, foreign_key="series.id", sa_column_kwargs={"autoincrement": False}
    )
    amount_nano: int = Field(sa_type=BigInteger)
    quantity_micro: int = Field(sa_type=BigInteger)
    """Of the days that tell one."""
    bare_nano: int = Field(sa_type=BigInteger)
    """The size of the amounts of the days that tell none."""


class UsageDay(UsageValues, FactKey, table=True):
    __tablename__ = "usage_day"
    __table_args__ = _CLUSTERED


class UsageDayHistory(UsageValues, HistoryKey, table=True):
    __tablename__ = "usage_day_history"
    __table_args__ = _CLUSTERED


class UsageHour(UsageValues, FactKey, table=True):
    __tablename__ = "usage_hour"
    __table_args__ = _CLUSTERED


class UsageHourHistory(UsageValues, HistoryKey, table=True):
    __tablename__ = "usage_hour_history"
    __table_args__ = _CLUSTERED
