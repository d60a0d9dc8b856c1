"""The command line. Nothing heavy is imported here or at the top of its modules: `--help` answers at once."""

from bot.cli.entry import main

__all__ = ["main"]
