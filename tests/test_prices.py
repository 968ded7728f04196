"""The public price list: what it prices, what it does not, and that it is not loaded until it is asked."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from bot.core.live.meters import CHARACTERS, FILES, IMAGES, SECONDS, SESSIONS, STORED, WEB
from bot.edge.prices import list_prices

AT = datetime(2026, 11, 20, tzinfo=UTC)
ORDINARY = ("", "")


@pytest.fixture(scope="module")
def price():
    return list_prices(AT)


@pytest.mark.parametrize(
    ("model", "part", "way", "dollars_a_million"),
    [
        pytest.param("gpt-5.2", "input", ORDINARY, 1.75, id="input"),
        pytest.param("gpt-5.2", "cached input", ORDINARY, 0.175, id="cached input"),
        pytest.param("gpt-5.2", "output", ORDINARY, 14, id="output"),
        pytest.param("gpt-5.2", "output", ("true", ""), 7, id="batch"),
        pytest.param("gpt-5.2", "output", ("", "flex"), 7, id="flex"),
        pytest.param("gpt-5.2", "output", ("", "no such tier"), 14, id="a tier nobody knows"),
        pytest.param("gpt-5-mini-2025-08-07", "input", ORDINARY, 0.25, id="a dated model"),
        pytest.param("gpt-realtime-2", "audio input", ORDINARY, 32, id="audio in"),
        pytest.param("gpt-realtime-2", "audio output", ORDINARY, 64, id="audio out"),
        pytest.param("text-embedding-3-small", "input", ORDINARY, 0.02, id="embeddings"),
        pytest.param("tts-1", CHARACTERS, ORDINARY, 15, id="characters"),
        pytest.param("whisper-1", SECONDS, ORDINARY, 100, id="seconds"),
        pytest.param("gpt-5.2", WEB, ORDINARY, 10_000, id="web searches"),
        pytest.param("", FILES, ORDINARY, 2_500, id="file searches, which tell no model"),
        pytest.param("omni-moderation-latest", "input", ORDINARY, 0, id="what is free"),
    ],
)
def test_list_prices(price, model, part, way, dollars_a_million):
    """Of that size: lists change, a mistaken unit is a thousand times off."""
    assert price(model, part, way) == pytest.approx(dollars_a_million * 1_000, rel=0.8)


def test_batch_is_cheaper_and_a_tier_nobody_knows_is_ordinary(price):
    ordinary = price("gpt-5.2", "output", ORDINARY)
    assert (
        price("gpt-5.2", "output", ("true", ""))
        < ordinary
        == price("gpt-5.2", "output", ("", "no such tier"))
    )
    assert price("gpt-5.2", "cached input", ORDINARY) < price("gpt-5.2", "input", ORDINARY)


@pytest.mark.parametrize(
    ("model", "part"),
    [
        pytest.param("gpt-nobody-knows", "input", id="a model it does not know"),
        pytest.param("gpt-5.2", IMAGES, id="images"),
        pytest.param("", SESSIONS, id="sessions"),
        pytest.param("", STORED, id="storage"),
        pytest.param("gpt-4o-transcribe", SECONDS, id="a model that has no price for that"),
        pytest.param("claude-opus-4-5", "input", id="another provider's"),
        pytest.param("", "input", id="no model"),
    ],
)
def test_what_has_no_list_price_is_not_free(price, model, part):
    assert price(model, part, ORDINARY) is None


@pytest.mark.parametrize("modality", ["", "text ", "audio ", "image "])
@pytest.mark.parametrize("direction", ["input", "cached input", "output"])
def test_every_part_of_a_model_can_be_priced(price, modality, direction):
    assert price("gpt-realtime-2", modality + direction, ORDINARY) > 0


def test_the_list_is_not_loaded_until_a_price_is_asked_for():
    code = "import sys, bot.viewing; print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
