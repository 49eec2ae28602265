"""Part 5: two downloads run, one grant is taken back: its download ends within seconds, the other goes on."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

import httpx
from datafactory import FactoryError, Refused, StreamEnded
from datafactory.downloads import PERMIT_HEADER, Permits, file_url

from .arriving import Cast
from .asking import PURPOSE, Access
from .giving import LARGE, Gift, question
from .stage import Stage, expect

RATE = 10_000_000
"""Bytes per second at which both downloads are read."""
END_WITHIN_S = 10.0
ALIVE_AFTER_S = 15.0


@dataclass
class Watched:
    """A download that is read slowly in a thread of its own, and what became of it."""

    access: Access
    permits: Permits
    received: int = 0
    ended_at: float | None = None
    error: FactoryError | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Read until the stream ends, by itself or because it was told to."""
        try:
            stream = self.access.person.client.downloads.stream(LARGE, self.permits, rate=RATE)
            with contextlib.closing(stream):
                for piece in stream:
                    self.received += len(piece)
                    if self.stop.is_set():
                        break
        except FactoryError as error:
            self.error = error
        except httpx.TransportError as error:
            self.error = FactoryError(str(error))
        self.ended_at = time.monotonic()


def take_back(stage: Stage, cast: Cast, gift: Gift, first: Access, second: Access) -> None:
    """Revoke the first grant while both download; only revoke_grant is called, then we watch."""
    watched = [_watch(gift, first, PURPOSE), _watch(gift, second, "benchmarking")]
    threads = [threading.Thread(target=w.read, daemon=True) for w in watched]
    one, two = watched
    permit = one.permits.token()
    with stage.step("Two downloads of the large file begin together", f"{first.person.name}, lead") as step:
        for thread in threads:
            thread.start()
        stage.wait_for("both downloads run", lambda: all(w.received > 2 * RATE for w in watched), 20.0, every_s=0.05)
        expect(one.ended_at is None and two.ended_at is None, "both downloads still run after the first seconds")
        step.says(f"each is read at {RATE // 1_000_000} MB/s")
    try:
        with stage.step("One grant is revoked", "steward") as step:
            began = time.monotonic()
            cast.steward.client.requests.revoke(first.grant_id, "The donor changed their mind (demo).")
            step.ids["grant"] = first.grant_id
            step.says("nothing else is called; from here on we watch")
        with stage.step("Its download ends and its address is dead", first.person.name) as step:
            dead_s = _until_dead(stage, gift, first, permit, began)
            stage.figures["revoke_to_url_dead_s"] = round(dead_s, 3)
            stage.wait_for("the revoked download ends", lambda: one.ended_at is not None, END_WITHIN_S + 5)
            end_s = (one.ended_at or 0.0) - began
            stage.figures["revoke_to_stream_end_s"] = round(end_s, 3)
            expect(isinstance(one.error, StreamEnded), f"the stream ends short, but it ended with {one.error!r}")
            codes = one.error.codes if isinstance(one.error, StreamEnded) else []
            expect(one.received < stage.big_bytes, "the revoked download must not be whole")
            expect(end_s < END_WITHIN_S, f"the stream ends within {END_WITHIN_S:.0f} s, but it took {end_s:.1f} s")
            expect(dead_s < END_WITHIN_S, f"the URL is dead within {END_WITHIN_S:.0f} s, but it took {dead_s:.1f} s")
            expect("grant-revoked" in codes, f"asked why, the law says grant-revoked, but it says {codes}")
            step.figures.update(received=one.received, stream_end_s=round(end_s, 3), url_dead_s=round(dead_s, 3))
            step.says(
                f"the address after {dead_s:.1f} s, the stream after {end_s:.1f} s, "
                f"at {one.received / 1e6:.0f} of {stage.big_bytes / 1e6:.0f} MB"
            )
        with stage.step("The other download goes on", "lead") as step:
            stage.wait_for("15 s pass", lambda: time.monotonic() - began >= ALIVE_AFTER_S, ALIVE_AFTER_S + 1)
            then = two.received
            stage.wait_for("the other download gets on", lambda: two.received > then, 5.0, every_s=0.05)
            expect(two.ended_at is None, f"the other download is alive after {ALIVE_AFTER_S:.0f} s")
            step.figures["received"] = two.received
            step.says(f"{ALIVE_AFTER_S:.0f} s later it has {two.received / 1e6:.0f} MB and still comes")
    finally:
        for w in watched:
            w.stop.set()
        for thread in threads:
            thread.join(timeout=10.0)


def _watch(gift: Gift, access: Access, purpose: str) -> Watched:
    ask = question(gift, access.project_id, purpose)
    return Watched(access, access.person.client.downloads.permits(ask, access.decision))


def _until_dead(stage: Stage, gift: Gift, access: Access, permit: str, began: float) -> float:
    """Ask the same address with the same permit and a good token until it is refused; return seconds since `began`.

    401 does not count: it would only say that the token had run out.
    """
    headers = {PERMIT_HEADER: permit, "Range": "bytes=0-0"}

    def dead() -> bool:
        try:
            access.person.client.transport.send("GET", file_url(gift.version_id, LARGE), headers=headers)
        except Refused as refused:
            expect(refused.status in {403, 404, 410}, f"a refusal of the permit, but got {refused}")
            return True
        return False

    stage.wait_for("the revoked address is dead", dead, END_WITHIN_S + 5)
    return time.monotonic() - began
