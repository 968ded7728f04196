"""Which addresses a secret may be sent to."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.core.errors import SetupWrong


def check_base_url(name: str, url: str) -> str:
    """Return `url`, the value of the setting `name`, without the blanks around it.

    Raises SetupWrong when it is neither https nor loopback, for a key sent there would travel in
    clear, and when it carries a user, a query or a fragment. The address itself is not repeated in
    the message: people paste passwords into addresses.
    """
    url = url.strip()
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise SetupWrong(f"{name} is not an address.", f"Set {name} to an address that begins with https://.")
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        host, user, parts = None, None, urlsplit("")
    if not host or parts.scheme not in {"https", "http"}:
        raise SetupWrong(f"{name} is not an address.", f"Set {name} to an address that begins with https://.")
    if user is not None or "@" in parts.netloc:
        raise SetupWrong(
            f"{name} carries a user or a password.", f"Take the part before the @ out of {name}."
        )
    if "?" in url or "#" in url:
        raise SetupWrong(f"{name} carries a query.", f"End {name} before the ? or #.")
    if parts.scheme == "http" and not is_loopback(host):
        raise SetupWrong(
            f"{name} is neither https nor on this machine: the key would travel in clear.",
            f"Set {name} to an address that begins with https://.",
        )
    return url


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
