"""How late the event loop is: whatever holds it up holds up everybody."""

from __future__ import annotations

import asyncio
import time

BEAT = 0.01  # seconds


class Pulse:
    """The longest time for which the event loop did nothing that was due."""

    def __init__(self) -> None:
        self.latest = 0.0  # seconds

    async def beat(self) -> None:
        """Go on until it is cancelled."""
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.latest = max(self.latest, time.monotonic() - due)
