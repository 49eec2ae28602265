"""A worker process that does what a file tells it: die, hang, eat memory, stutter. Tests start their pools with it."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from services.deid.engine import treat
from services.deid.engine.operator import Treated
from services.deid.pool import child

_real = treat.treat_file


def treat_file(content: bytes, path: str, declared: str, plan: Any) -> Treated:
    """`DIE`, `HANG`, `EAT <bytes>`, `SLOW <seconds>`, `ONCE <file>` (dies unless the file is there), `CHATTER`."""
    word, _, rest = content[:200].partition(b" ")
    if word == b"DIE":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == b"HANG":
        while True:
            pass
    elif word == b"EAT":
        held = bytearray(int(rest))
        held[::4096] = b"x" * len(held[::4096])
    elif word == b"SLOW":
        time.sleep(float(rest))
    elif word == b"ONCE":
        mark = Path(rest.decode().strip())
        if not mark.exists():
            os.close(os.open(mark, os.O_CREAT | os.O_WRONLY))
            os.kill(os.getpid(), signal.SIGKILL)
    elif word == b"CHATTER":
        os.write(1, content)
        os.write(2, content)
        print(content)  # noqa: T201
    return _real(content, path, declared, plan)


if __name__ == "__main__":
    treat.treat_file = treat_file
    child.main()
