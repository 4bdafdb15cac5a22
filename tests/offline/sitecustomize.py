"""Forbids connections beyond loopback, in every Python process that has this folder on its path.

The suite puts it on PYTHONPATH for the processes it starts and imports it for its own.
"""

import ipaddress
import socket
import sys
from typing import Any


def _is_loopback(host: object) -> bool:
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" and not _is_loopback(arguments[0]):
        raise PermissionError(f"the tests use no network: {arguments[0]} was looked up")
    if event == "socket.connect":
        connection, address = arguments
        if connection.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise PermissionError(f"the tests use no network: {address} was connected to")


sys.addaudithook(_audit)
