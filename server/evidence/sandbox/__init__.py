"""Examining hostile files in processes that may die: limits, confinement, and what came out."""

from server.evidence.sandbox.confinement import Confinement
from server.evidence.sandbox.limits import Limits
from server.evidence.sandbox.parent import Sandbox, SandboxError, SandboxFailure

__all__ = ["Confinement", "Limits", "Sandbox", "SandboxError", "SandboxFailure"]
