"""A transport for httpx2 that reaches public addresses only, and only until a deadline."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import certifi
import httpcore2
import httpx2

from index.errors import FetchError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# All of IPv6 that is given to networks; the rest is local, reserved or embeds IPv4.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (
    ipaddress.IPv6Network("2001::/32"),  # Teredo
    ipaddress.IPv6Network("2002::/16"),  # 6to4
)


def is_public(address: Address) -> bool:
    """Whether an address is on the internet, not on this machine or in its networks.

    IPv6 addresses that lead to an IPv4 address through a tunnel or a translator are not public.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in _GLOBAL_UNICAST or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class PublicTransport(httpx2.BaseTransport):
    """Connects to exactly the address that was checked, so that a second look-up cannot differ.

    ``allowed`` are hosts and networks that may be reached although they are not public.
    ``seconds`` from now every operation ends, however slow the server is.
    """

    def __init__(self, allowed: Collection[str], seconds: float) -> None:
        self._deadline = _Deadline(seconds)
        self._pool = httpcore2.ConnectionPool(
            # httpx2's own context trusts the machine's authorities, which may be missing.
            ssl_context=ssl.create_default_context(cafile=certifi.where()),
            network_backend=_Backend(allowed, self._deadline),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        response = self._pool.handle_request(
            httpcore2.Request(
                request.method, url, headers=request.headers.raw, extensions=request.extensions
            )
        )
        return httpx2.Response(response.status, headers=response.headers, stream=_Body(response))

    def prolong(self, seconds: float) -> None:
        """Let operations end so much later."""
        self._deadline.end += seconds

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.end = time.monotonic() + seconds

    def limit(self, timeout: float | None) -> float:
        """The timeout in seconds, cut to the time left. Raises FetchError if there is none."""
        remaining = self.end - time.monotonic()
        if remaining <= 0:
            raise FetchError(f"it took longer than {self._seconds:g} seconds")
        return remaining if timeout is None else min(remaining, timeout)


class _Backend(httpcore2.SyncBackend):
    def __init__(self, allowed: Collection[str], deadline: _Deadline) -> None:
        self._allowed = allowed
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = FetchError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                stream = super().connect_tcp(
                    address, port, self._deadline.limit(timeout), local_address, socket_options
                )
                return _Stream(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host. Raises FetchError if any of them may not be reached."""
        addresses = _look_up(host, port)
        for text in addresses:
            address = ipaddress.ip_address(text)
            if not is_public(address) and not _is_allowed(self._allowed, host, address):
                raise FetchError(
                    f"{text if text == host else f'{host} ({text})'} is no public address; "
                    "VIRGOLETTE_FETCH_ALLOW can name it as an exception"
                )
        return addresses


def _is_allowed(allowed: Collection[str], host: str, address: Address) -> bool:
    """Whether a host or its address is among these hosts and networks."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    for entry in allowed:
        try:
            if (mapped or address) in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:  # a host
            if entry.lower().rstrip(".") == host.lower().rstrip("."):
                return True
    return False


def _look_up(host: str, port: int) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the host {host} cannot be looked up ({error})") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


class _Stream(httpcore2.NetworkStream):
    """A connection whose every operation ends at the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.limit(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.limit(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        timeout = self._deadline.limit(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
