"""A transport for httpx2 that reaches public addresses only, and those only until a deadline."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import certifi
import httpcore2
import httpx2

from index.errors import FetchError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Of IPv6 only this block is given to networks; the rest is local, reserved, or embeds IPv4.
_GIVEN = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (
    ipaddress.IPv6Network("2001::/32"),  # Teredo
    ipaddress.IPv6Network("2002::/16"),  # 6to4
)


def is_public(address: Address) -> bool:
    """Whether an address is anybody's on the internet, and not one of this machine or network.

    Addresses of IPv6 that stand for one of IPv4 through a tunnel or a translator are not.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in _GIVEN or any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class PublicTransport(httpx2.BaseTransport):
    """Connects to the very address that was looked up and checked, so that none is put in between.

    ``allowed`` are hosts and networks that are reached though they are not public.
    ``seconds`` from now everything ends, however slowly it goes on.
    """

    def __init__(self, allowed: Iterable[str], seconds: float) -> None:
        self._pool = httpcore2.ConnectionPool(
            # certifi's authorities everywhere: httpx2 would take those of the machine, if any.
            ssl_context=ssl.create_default_context(cafile=certifi.where()),
            network_backend=_Backend(_Exceptions(allowed), _Clock(seconds)),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        address = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(
            httpcore2.Request(
                request.method, address, headers=request.headers.raw, extensions=request.extensions
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Exceptions:
    """Hosts and networks that may be reached although they are not public."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._hosts: set[str] = set()
        self._networks = []
        for entry in allowed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(entry.lower().rstrip("."))

    def cover(self, host: str, address: Address) -> bool:
        if host.lower().rstrip(".") in self._hosts:
            return True
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)


class _Clock:
    """Counts down."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self, wanted: float | None) -> float:
        """Seconds that remain, at most ``wanted``. Raises FetchError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise FetchError(f"it took longer than {self._seconds:g} seconds")
        return left if wanted is None else min(left, wanted)


class _Backend(httpcore2.SyncBackend):
    def __init__(self, exceptions: _Exceptions, clock: _Clock) -> None:
        self._exceptions = exceptions
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        trouble: Exception = FetchError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                stream = super().connect_tcp(
                    address, port, self._clock.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                trouble = error
            else:
                return _Stream(stream, self._clock)
        raise trouble

    def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host. FetchError when one of them may not be reached."""
        addresses = _look_up(host, port)
        for text in addresses:
            address = ipaddress.ip_address(text)
            if not is_public(address) and not self._exceptions.cover(host, address):
                raise FetchError(
                    f"{text if text == host else f'{host} ({text})'} is no public address; "
                    "VIRGOLETTE_FETCH_ALLOW can name it as an exception"
                )
        return addresses


def _look_up(host: str, port: int) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the host {host} cannot be looked up ({error})") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Stream(httpcore2.NetworkStream):
    """A connection, every step of which ends at the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._clock.left(timeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
