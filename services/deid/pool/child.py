"""A worker process: reads frames from standard input, treats, and writes frames to standard output, until it ends.

Started by `pool.Pool` with an environment of its own (no settings, no secrets). It says nothing on standard error:
what libraries print there may quote the files they read.
"""

import ctypes
import json
import os
import random
import resource
import signal
import struct
import sys
import time
from collections import OrderedDict
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">IQ")  # the lengths of services.kit.frames
_PLANS = 4
_PR_SET_PDEATHSIG = 1
_NICE = 5


def confine(memory_bytes: int, parent: int) -> None:
    """Bound what this process may take, and let it die with the service: a killed service leaves nothing behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends its workers in order
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked to be told
            os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Nothing is written to disk here, by anybody.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    os.nice(_NICE)


class Child:
    """Answers requests one after another, keeping the last few plans ready."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._plans: OrderedDict[str, Any] = OrderedDict()

    def run(self) -> None:
        """Answer until there is nothing more to read."""
        while (asked := self._read()) is not None:
            header, content = asked
            match header["do"]:
                case "plan":
                    self._keep_plan(str(header["plan"]), json.loads(content))
                case "treat":
                    self._treat(header, content)
                case "names":
                    self._names(header, json.loads(content))
                case "suggest":
                    self._suggest(header, content)
                case other:
                    raise ValueError(f"not asked for: {other}")

    def _read(self) -> tuple[dict[str, Any], bytes] | None:
        lengths = self._source.read(_LENGTHS.size)
        if len(lengths) < _LENGTHS.size:
            return None
        head, size = _LENGTHS.unpack(lengths)
        header = json.loads(self._source.read(head))
        return header, self._source.read(size)

    def _answer(self, header: dict[str, Any], content: bytes = b"") -> None:
        # What people type in patterns may hold a lone surrogate: escaped, it is still JSON.
        head = json.dumps({**header, "rss": _resident_bytes()}).encode("ascii")
        self._sink.write(_LENGTHS.pack(len(head), len(content)))
        self._sink.write(head)
        self._sink.write(content)
        self._sink.flush()

    def _keep_plan(self, name: str, document: dict[str, Any]) -> None:
        from services.deid.engine.operator import Keys
        from services.deid.engine.plan import compile_plan

        keys = Keys(document["key_id"], bytes.fromhex(document["pseudonym"]))
        self._plans[name] = compile_plan(document, keys)
        while len(self._plans) > _PLANS:
            self._plans.popitem(last=False)
        self._answer({})

    def _treat(self, header: dict[str, Any], content: bytes) -> None:
        from services.deid.engine.treat import treat_file
        from services.deid.pool.shapes import Outcome

        started = time.perf_counter()
        treated = treat_file(content, header["path"], header["declared"], self._plans[header["plan"]])
        outcome = Outcome(treated.media_type, treated.withheld, treated.counts, totals=treated.totals)
        outcome.measures = treated.measures
        # By the path: the same few whichever process treats the file.
        draw = random.Random(header["path"])  # noqa: S311 - a sample, not a secret
        outcome.findings = _some(treated.findings, header["keep"], draw)
        for sort in ("treated", "untreated"):
            outcome.places += _some([p for p in treated.places if p.sort == sort], header["keep"], draw)
        if header["preview"]:
            from services.deid.engine.preview import preview

            outcome.preview = preview(treated)
        outcome.seconds = time.perf_counter() - started
        wanted = treated.content is not None and not header["inspect"]
        self._answer(outcome.header(), treated.content or b"" if wanted else b"")

    def _names(self, header: dict[str, Any], paths: list[str]) -> None:
        from services.deid.engine.names import treat_path_counted

        plan = self._plans[header["plan"]]
        self._answer({}, json.dumps([treat_path_counted(path, plan) for path in paths]).encode("ascii"))

    def _suggest(self, header: dict[str, Any], content: bytes) -> None:
        from services.deid.engine.suggest import suggest_operators

        self._answer({}, json.dumps(suggest_operators(content, header["path"], header["declared"])).encode("ascii"))


def _some(items: list[Any], keep: int, draw: random.Random) -> list[Any]:
    """Return at most `keep` of these, a simple random sample in the order of the file."""
    if len(items) <= keep:
        return items
    return [items[n] for n in sorted(draw.sample(range(len(items)), keep))]


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def main() -> None:
    """Run as `python -m services.deid.pool.child <memory in bytes> <pid of the service>`."""
    confine(int(sys.argv[1]), int(sys.argv[2]))
    sink = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not end up among the frames.
    os.dup2(2, 1)
    Child(sys.stdin.buffer, sink).run()


if __name__ == "__main__":
    main()
