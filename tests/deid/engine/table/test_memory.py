"""A large table takes a few times its size of memory, not more."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource
from tests.deid.engine.table.support import step, treat

rows = (b"%d;Namn %d;%d,5;Ume\\xc3\\xa5\\r\\n" % (i, i % 9999, i % 977) for i in range(2_000_000))
content = b"".join((b"id;namn;tal;ort\\r\\n", *rows))
treat(content[:1000], step("table.drop", columns=["namn"]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
treated = treat(
    content,
    step("table.drop", columns=["namn"]),
    step("table.k-anonymity", quasi_identifiers=[{"column": "tal"}, {"column": "ort"}]),
)
assert treated.withheld is None, treated.withheld
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024 / len(content))
"""


@pytest.mark.slow
def test_sixty_megabytes_take_a_few_times_their_size() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=110, check=True)
    assert float(done.stdout) < 8
