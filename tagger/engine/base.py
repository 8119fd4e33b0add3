"""What every pool offers: results in the order of the tasks, with a bounded number under way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

__all__ = ["Failure", "OrderedPool", "Pending", "TaskTimeoutError", "WorkerDiedError"]

Task = TypeVar("Task")
Result = TypeVar("Result")


class TaskTimeoutError(Exception):
    """A task ran past its time limit and was killed."""


class WorkerDiedError(Exception):
    """A task killed its process, twice."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that has no result: the exception it raised, or what became of its process."""

    error: Exception


class Pending(Protocol):
    """A task under way."""

    def done(self) -> bool:
        """Whether it has a result, or never will."""


class OrderedPool(ABC, Generic[Task, Result]):
    """Applies a function to tasks somewhere else.

    Attributes:
        window: how many tasks are under way at most.
    """

    window: int

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for what is under way, or drop it if an error is on its way out."""

    @abstractmethod
    def submit(self, task: Task) -> Pending:
        """Send one task on its way."""

    @abstractmethod
    def outcome(self, task: Task, pending: Pending) -> Result | Failure:
        """Wait for a task, trying it again where its process died."""

    def results(
        self,
        tasks: Iterable[Task],
        *,
        most: int,
        ready: Callable[[Task], Result | Failure | None] | None = None,
    ) -> Iterator[list[tuple[Task, Result | Failure]]]:
        """Yield results in the order of the tasks: whatever is done, 1 to ``most`` at a time.

        Tasks are drawn only as the window of those under way moves on, so that memory does
        not grow with their number.

        Args:
            tasks: what to do.
            most: length of the longest list.
            ready: gives the result of a task that need not be done, or None.
        """
        source = iter(tasks)
        under_way: deque[tuple[Task, Pending | None, Result | Failure | None]] = deque()

        def refill() -> None:
            while len(under_way) < self.window:
                try:
                    task = next(source)
                except StopIteration:
                    return
                known = ready(task) if ready else None
                under_way.append((task, self.submit(task) if known is None else None, known))

        refill()
        while under_way:
            done: list[tuple[Task, Result | Failure]] = []
            while under_way and len(done) < most:
                task, pending, known = under_way[0]
                if done and pending is not None and not pending.done():
                    break
                under_way.popleft()
                if pending is not None:
                    known = self.outcome(task, pending)
                assert known is not None
                done.append((task, known))
            refill()
            yield done
