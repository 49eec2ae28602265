"""anjana and pycanon at work, in the environment of peers: one JSON question a line in, one JSON answer a line out.

`{"table": csv, "hierarchies": {column: {level: values}}, "k": …, "suppressed_percent": …}` loads a table;
`{"run": true}` anonymises it and answers `{"rows": …}`; `{"check": csv, "columns": […]}` answers `{"k": …}`.
"""

# pyright: reportMissingImports=false
# These packages live in the environment of peers.

import io
import json
import sys
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pandas as pd
import pycanon.anonymity
from anjana.anonymity import k_anonymity


def read(path: str) -> pd.DataFrame:
    """Read a CSV file as text: nothing is missing, nothing is a number."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def main() -> None:
    """Answer until the questions end."""
    loaded: dict[str, Any] = {}
    for line in sys.stdin:
        question = json.loads(line)
        answer: dict[str, Any] = {}
        with redirect_stdout(io.StringIO()):  # both print
            if "table" in question:
                levels = {
                    column: {int(level): np.array(values, dtype=object) for level, values in ladder.items()}
                    for column, ladder in question["hierarchies"].items()
                }
                loaded = {**question, "data": read(question["table"]), "hierarchies": levels}
            elif "run" in question:
                kept = k_anonymity(
                    loaded["data"],
                    [],
                    list(loaded["hierarchies"]),
                    loaded["k"],
                    loaded["suppressed_percent"],
                    # It changes what it is given.
                    {column: dict(ladder) for column, ladder in loaded["hierarchies"].items()},
                )
                answer = {"rows": len(kept)}
            else:
                answer = {"k": int(pycanon.anonymity.k_anonymity(read(question["check"]), question["columns"]))}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
