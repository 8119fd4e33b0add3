"""Reaching a Dask scheduler, with one line for all that can be wrong about it."""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import Any

from tagger.errors import UsageError

__all__ = ["connect"]


def connect(address: str, connect_s: float) -> Any:
    """A ``distributed.Client`` of the scheduler at an address.

    Args:
        address: as ``tcp://192.168.1.10:8786``.
        connect_s: seconds in which it must answer, now and whenever it is lost.

    Raises:
        UsageError: Dask is not installed, no scheduler answers, or one of another version.
    """
    try:
        import distributed
    except ImportError as error:
        raise UsageError("--dask needs genretag[dask]: pip install 'genretag[dask]'") from error
    _silence_dask()
    try:
        # Asked first, as a client that could not connect complains on its way out.
        kind, version = asyncio.run(_ask(address, connect_s))
        if kind != "Scheduler":
            raise ValueError(f"a {kind} does")
        # Tasks between different versions may vanish without a word.
        if version != distributed.__version__:
            raise UsageError(
                f"--dask {address}: the scheduler has Dask {version}, this machine "
                f"{distributed.__version__}: install the same on all machines"
            )
        return distributed.Client(address, timeout=connect_s, set_as_default=False)
    except UsageError:
        raise
    except OSError as error:
        raise UsageError(f"--dask {address}: no scheduler answers there") from error
    except Exception as error:  # a stranger's answer, read as Dask's, raises anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"--dask {address}: no scheduler answers there ({reason}); "
            "give an address as tcp://192.168.1.10:8786"
        ) from error


async def _ask(address: str, connect_s: float) -> tuple[str, str]:
    """Kind and version of the Dask server at an address."""
    from distributed import Security
    from distributed.core import rpc

    security = Security().get_connection_args("client")
    async with rpc(address, timeout=connect_s, connection_args=security) as server:
        identity = await asyncio.wait_for(server.identity(), connect_s)
        versions = await asyncio.wait_for(server.versions(), connect_s)
    return str(identity["type"]), str(versions["packages"]["distributed"])


def _silence_dask() -> None:
    """Keep off the terminal what Dask logs on each lost connection; this pool reports it."""
    from distributed.versions import VersionMismatchWarning

    warnings.simplefilter("ignore", VersionMismatchWarning)  # on Python, msgpack and the like
    names = {"distributed", "tornado", "asyncio"}
    known = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] in names]
    for name in names.union(known):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
