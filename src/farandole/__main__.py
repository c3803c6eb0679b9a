"""`python -m farandole` is `farandole`."""

import sys


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
