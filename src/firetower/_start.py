"""The start of the command: Ctrl-C ends it at once, and prints no traceback of an import."""

import signal


def main() -> None:
    """Import the command line, and run it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # ignored in a background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from firetower.cli import main as run

    run()
