"""`python -m benchmarks [NAME …]`: runs the named measurements, or all."""

import sys
from importlib import import_module

NAMES = ("encryption", "decisions", "transfer", "deid_text", "deid_image", "deid_table", "annotation")


def main() -> int:
    """Run and print; return 1 for an unknown name."""
    wanted = sys.argv[1:] or list(NAMES)
    unknown = set(wanted) - set(NAMES)
    if unknown:
        sys.stderr.write(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.\n")
        return 1
    for name in wanted:
        for result in import_module(f"benchmarks.{name}").run():
            sys.stdout.write(result.line() + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
