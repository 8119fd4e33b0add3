"""The first thing that the fork server imports; not for anybody else.

It then knows what its processes run. And it prints nothing: where the system refuses another
process it dies of that with a traceback, and the pool says the same in a line.
"""

from __future__ import annotations

from tagger.engine import child
from tagger.engine.quiet import silence_native_stderr

__all__ = ["child"]

silence_native_stderr()
