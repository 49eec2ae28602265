"""Pictures: file in, faces covered, file out, against the package `deface` on the same 720p pictures and cores.

Ours are two processes of one thread each, as a run has them; deface is one process that uses both cores. Recall is
counted on the demo's portraits: found is a face whose middle lies in the head's box.
"""

import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Ratio, compare
from services.deid.engine.image.operators import FACES, FacesParams, Profile
from services.deid.engine.image.treat import treat_image
from services.deid.engine.operator import Step, Treated

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".factory" / "env" / "bench"
CORES = 2


def treat(content: bytes, profile: Profile) -> Treated:
    """Treat one picture in this process."""
    return treat_image(content, "image/x", [Step(FACES, FacesParams(method="blur", profile=profile, grow=0.3))])


def _treat_all(contents: Sequence[bytes], profile: Profile) -> int:
    return sum(treat(content, profile).content is not None for content in contents)


def run() -> list[Ratio]:
    """Measure pictures a second in both profiles, and write both sides' recall."""
    with tempfile.TemporaryDirectory(prefix="df-bench-") as folder, _deface(folder) as ask:
        told = ask("write")
        contents = [(Path(folder) / path).read_bytes() for path in told["files"]]
        theirs = ask("find")
        results: list[Ratio] = []
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(CORES, mp_context=context) as pool:
            for profile in ("fast", "gate"):

                def ours(profile: Profile = profile) -> float:
                    parts = [contents[start::CORES] for start in range(CORES)]
                    return sum(pool.map(_treat_all, parts, [profile] * CORES))

                name = f"cover faces, {profile} profile / deface ({told['by']})"
                results.append(compare(name, "pictures/s", ours, lambda: float(ask("run"))))
                found = [_found(Path(folder), portrait, profile) for portrait in told["portraits"]]
                shares = sum(found) / len(found), sum(theirs) / len(theirs)
                sys.stdout.write(
                    f"{'recall, ' + profile:44} {shares[0]:10.1%} {'portraits':14} peer {shares[1]:10.1%}\n"
                )
        return results


def _found(folder: Path, portrait: dict[str, Any], profile: Profile) -> bool:
    treated = treat((folder / portrait["path"]).read_bytes(), profile)
    x, y, width, height = portrait["head"]
    back = np.linalg.inv(np.vstack([portrait["matrix"], [0, 0, 1]]))
    for finding in treated.findings:
        left, top, wide, high = map(int, re.findall(r"\d+", finding.place)[-4:])
        u, v, _ = back @ [left + wide / 2, top + high / 2, 1]
        if finding.kind == "face" and x <= u <= x + width and y <= v <= y + height:
            return True
    return False


@contextmanager
def _deface(folder: str) -> Iterator[Any]:
    """Start the peer in its own environment: a function that asks a word and returns its answer."""
    script = str(ROOT / "benchmarks" / "peers" / "deface_pictures.py")
    with subprocess.Popen(  # noqa: S603 - our own script and interpreter
        [PEERS / "bin" / "python", script, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def ask(word: str) -> Any:
            questions.write(word + "\n")
            questions.flush()
            answer = answers.readline()
            if not answer:
                raise RuntimeError("the peer ended; is the peers' environment set up (make bench)?")
            return json.loads(answer)

        yield ask
        questions.close()
