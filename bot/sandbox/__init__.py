"""A local stand-in for Slack: what a stranger clicks through without a workspace, and the tests' double."""

from bot.sandbox.clock import SandboxClock
from bot.sandbox.server import Sandbox

__all__ = ["Sandbox", "SandboxClock"]
