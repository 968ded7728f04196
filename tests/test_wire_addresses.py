"""A key travels in clear to nobody but this machine."""

import pytest

from bot.core.errors import SetupWrong
from bot.edge.addresses import check_base_url


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://eu.api.openai.com/v1/",
        " https://slack.com/api/\n",
        "http://localhost:8080",
        "http://LOCALHOST/v1",
        "http://127.0.0.1:9/v1",
        "http://127.8.8.8",
        "http://[::1]:8080/v1",
    ],
)
def test_https_and_loopback_are_allowed(url):
    assert check_base_url("OPENAI_BASE_URL", url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://api.openai.com/v1", id="in-clear"),
        pytest.param("http://localhost.evil.example/v1", id="looks-like-home"),
        pytest.param("http://127.0.0.1.evil.example/v1", id="looks-like-an-address"),
        pytest.param("http://10.0.0.1/v1", id="the-neighbour"),
        pytest.param("http://0.0.0.0/v1", id="everywhere"),
        pytest.param("http://127.0.0.1@evil.example/v1", id="home-as-a-user"),
        pytest.param("https://user:hunter2@api.openai.com/v1", id="a-password"),
        pytest.param("http://localhost\\@evil.example", id="a-backslash"),
        pytest.param("https://api.openai.com/v1?x=1", id="a-query"),
        pytest.param("https://api.openai.com/v1#x", id="a-fragment"),
        pytest.param("ftp://localhost/v1", id="another-scheme"),
        pytest.param("api.openai.com/v1", id="no-scheme"),
        pytest.param("https:///v1", id="no-host"),
        pytest.param("https://[::1/v1", id="half-a-bracket"),
        pytest.param("https://localhost:99999/v1", id="no-such-port"),
        pytest.param("https://local host/v1", id="a-blank"),
        pytest.param("https://a.example/\x1b", id="a-control-character"),
        pytest.param("", id="nothing"),
    ],
)
def test_everything_else_is_refused_without_repeating_it(url):
    with pytest.raises(SetupWrong, match="SLACK_API_URL") as caught:
        check_base_url("SLACK_API_URL", url)
    assert "hunter2" not in str(caught.value)
    assert "evil" not in str(caught.value)
