"""The law in Rego, with its tests, and the bundle compiled from it by `build.py`."""

from pathlib import Path

POLICIES = Path(__file__).parent
BUNDLE = POLICIES / "bundle"
