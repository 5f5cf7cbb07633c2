"""What the environment says about requests: proxies, CA certificates, private targets."""

import ipaddress
import os
import re
import ssl
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import (  # type: ignore[attr-defined] # typeshed knows it on macOS only
    getproxies_environment,
    proxy_bypass_environment,
)

from firetower.core.endpoints import shown_proxy
from firetower.core.errors import FiretowerError, InvalidInput

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIED = ("http", "https", "all")
_METADATA = {
    ipaddress.ip_address(one) for one in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")
}
"""Metadata services of clouds beyond the link-local addresses."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def certificate_problem() -> FiretowerError | None:
    """Return what is wrong with the CA certificates that the environment names."""
    for name in CERTIFICATES:
        path = os.environ.get(name)
        if path and (reason := _unreadable(name, path)):
            return InvalidInput(
                f"{name} names {path}, {reason}: https requests will fail",
                f"Set {name} to CA certificates, or unset it; http works as it is.",
            )
    return None


def ca_file_problem(endpoint: str, path: str | None) -> FiretowerError | None:
    """Return what is wrong with an endpoint's own CA certificates; `path` None is none of its own.

    `endpoint` is its name.
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
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return "which holds no certificates"
    except OSError as error:
        return f"which cannot be read ({error.strerror})"
    return ""


def read_proxies() -> dict[str, str]:
    """Return the proxies of http, https, all, and the hosts that need none (no)."""
    return getproxies_environment()


def find_proxy(url: str, proxies: dict[str, str]) -> str | None:
    """Return the proxy for a URL. Raises InvalidInput for one that cannot be used."""
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_exempt(parts, proxies):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    wrong = "" if proxy.lower().startswith(("http://", "https://")) else "is neither http nor https"
    try:
        _ = urlsplit(proxy).port
    except ValueError:
        wrong = wrong or "has a port that is no number"
    if wrong:
        raise InvalidInput(
            f"the proxy {shown_proxy(proxy)} {wrong}",
            "Set HTTPS_PROXY and HTTP_PROXY to an http proxy, or add the host to NO_PROXY.",
        )
    return proxy


def _is_exempt(url: SplitResult, proxies: dict[str, str]) -> bool:
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    if proxy_bypass_environment(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxies):
        return True
    networks = map(_network, proxies.get("no", "").split(","))
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks if network is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return a network, or an address as one: IPv6 is written in several ways; None for a name."""
    try:
        return ipaddress.ip_network(re.sub(r"[\s\[\]]", "", text), strict=False)
    except ValueError:
        return None


def describe_proxies() -> str:
    """Return the proxies of the environment in one line; "" where there are none."""
    proxies = read_proxies()
    used = [f"{one} through {shown_proxy(proxies[one])}" for one in _PROXIED if proxies.get(one)]
    exempt = proxies.get("no")
    return ", ".join(used) + (f"; not for {exempt}" if used and exempt else "")


def is_private_target(host: str) -> bool:
    """Return whether an address is link-local or a cloud's metadata service; a name is not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else None
        address = address.ipv4_mapped or address.sixtofour or inner or address
    return address.is_link_local or address in _METADATA


def server_problem(url: str) -> str | None:
    """Return why a server of this machine does not say within 3 seconds that it is well."""
    from http.client import HTTPException
    from urllib.request import ProxyHandler, build_opener

    opener = build_opener(ProxyHandler({}))  # it is here: no proxy leads to it
    try:
        with opener.open(f"{url}/healthz", timeout=3):
            return None
    except (OSError, HTTPException) as error:
        return str(getattr(error, "reason", None) or error)
