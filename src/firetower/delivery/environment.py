"""The environment's settings for requests: proxies, CA certificates, private targets."""

import errno
import ipaddress
import os
import re
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment

from firetower.core.endpoints import shown_proxy
from firetower.core.errors import FiretowerError, InvalidInput

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIED = ("http", "https", "all")
_PORTS = {"http": 80, "https": 443}
_METADATA = {
    ipaddress.ip_address(one) for one in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")
}
"""Metadata services of clouds beyond the link-local addresses."""
_METADATA_NAMES = {"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"}
_EMBEDDING = [
    ipaddress.ip_network(one)
    for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")
]
"""IPv6 networks whose addresses end with an IPv4 address."""


def certificate_problem() -> FiretowerError | None:
    """Return the problem of the CA certificates that the environment names, or None."""
    for name in CERTIFICATES:
        path = os.environ.get(name)
        if path and (reason := _unreadable(name, path)):
            return InvalidInput(
                f"{name} names {path}, {reason}: https requests will fail",
                f"Set {name} to CA certificates, or unset it; http works as it is.",
            )
    return None


def ca_file_problem(endpoint: str, path: str | None) -> FiretowerError | None:
    """Return the problem of an endpoint's own CA certificates, or None.

    `endpoint` is its name; a `path` of None means that it has none.
    """
    reason = "" if path is None else _unreadable("SSL_CERT_FILE", path)
    if not reason:
        return None
    return InvalidInput(
        f"{endpoint} names the CA file {path}, {reason}",
        "Put CA certificates there, for the user who runs the worker, or give another with --ca.",
    )


def _unreadable(name: str, path: str) -> str:
    if name == "SSL_CERT_DIR":
        found = any(Path(one).is_dir() for one in path.split(os.pathsep))
        return "" if found else "which is no folder"
    try:
        if is_no_file(path):
            return "which is no file"
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "which holds no certificates"
    except OSError as error:
        lacks = error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}  # nothing is wrong there
        return "" if lacks else f"which cannot be read ({error.strerror})"
    return ""


def is_no_file(path: str) -> bool:
    """Return whether there is a pipe, a device or a folder: to read it may take without end."""
    return Path(path).exists() and not Path(path).is_file()


def read_proxies() -> dict[str, str]:
    """Return the proxies of http, https, all, and the hosts that need none (no)."""
    return getproxies_environment()


def find_proxy(url: str, proxies: dict[str, str]) -> str | None:
    """Return the proxy for a URL. Raises InvalidInput for one that cannot be used."""
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_exempt(parts, proxies.get("no", "")):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    wrong = "" if proxy.lower().startswith(("http://", "https://")) else "is neither http nor https"
    try:
        read = urlsplit(proxy)
        wrong = wrong or ("" if read.hostname and read.port != 0 else "names no host")
    except ValueError:
        wrong = wrong or "has a port that is no number"
    if wrong:
        raise InvalidInput(
            f"the proxy {shown_proxy(proxy)} {wrong}",
            "Set HTTPS_PROXY and HTTP_PROXY to an http proxy, or add the host to NO_PROXY.",
        )
    return proxy


def _is_exempt(url: SplitResult, no_proxy: str) -> bool:
    host, port = (url.hostname or "").rstrip("."), url.port or _PORTS[url.scheme]
    written = f"[{host}]" if ":" in host else host
    entries = re.split(r"[\s,]+", no_proxy.lower())
    domains = (one.removeprefix("*").strip(".") for one in entries)
    ends = tuple(f".{domain}" for domain in domains if domain)
    if "*" in entries or f".{written}".endswith(ends) or f".{written}:{port}".endswith(ends):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in map(_network, entries) if network is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return a network, or an address as one: IPv6 is written in several ways; None for a name."""
    try:
        return ipaddress.ip_network(re.sub(r"[\[\]]", "", text), strict=False)
    except ValueError:
        return None


def describe_proxies() -> str:
    """Return the proxies of the environment in one line; "" where there are none."""
    proxies = read_proxies()
    used = [f"{one} through {shown_proxy(proxies[one])}" for one in _PROXIED if proxies.get(one)]
    exempt = proxies.get("no")
    return ", ".join(used) + (f"; not for {exempt}" if used and exempt else "")


def is_private_target(host: str) -> bool:
    """Return whether a host is link-local or a cloud's metadata service.

    Of a name that is not known as one only the look-up can tell.
    """
    host = host.lower().rstrip(".")
    address = _read_address(host)
    if address is None:
        return host in _METADATA_NAMES
    if isinstance(address, ipaddress.IPv6Address):
        embeds = any(address in network for network in _EMBEDDING)
        inner = ipaddress.IPv4Address(address.packed[-4:]) if embeds else address.sixtofour
        address = inner or address
    return address.is_link_local or address in _METADATA


def _read_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address, IPv4 also as C does: hexadecimal, octal, in fewer numbers; None for a name.

    A proxy may read it so.
    """
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0])
    with suppress(OSError):
        return ipaddress.IPv4Address(socket.inet_aton(host))
    return None
