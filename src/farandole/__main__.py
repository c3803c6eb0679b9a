"""`python -m farandole` is `farandole`."""

import os
import sys

# Before NumPy is loaded. Sums that several threads share out depend on how many there are, and so would the bytes of a dance.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded is one line, too."""
    try:
        from farandole.cli.app import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
