"""`--verbose`. Logging is slow to import, and rarely asked for."""

import logging

from generator.cli import console


class CommandsShown(logging.Handler):
    """Log records as lines for the person."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        console.say(f"+ {record.getMessage()}")


def show_commands() -> None:
    """From now on, show each program that is run as a line that can be pasted into a shell."""
    logger = logging.getLogger("generator.system.run")
    logger.addHandler(CommandsShown())
    logger.setLevel(logging.DEBUG)
