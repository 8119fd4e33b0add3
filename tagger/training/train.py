"""``genretag train``: labelled music in, a model for ``scan --model`` out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tagger.errors import UsageError
from tagger.library.lock import RunLock
from tagger.models.bundle import MANIFEST, Bundle, load_bundle
from tagger.models.vocabulary import Vocabulary
from tagger.training.data import Data, LabelSource, load_data
from tagger.training.networks_registry import NETWORKS
from tagger.training.out_files import remove_former
from tagger.training.settings import ModelSettings

__all__ = ["TrainOptions", "Trained", "check_out", "train"]

_WORK: Final = ".training"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train on, and what.

    Attributes:
        data: a folder per genre, a tagged library, a CSV, or a spectrogram archive.
        out: folder of the new model.
        settings: the model.
        labels: where the genres stand.
        table: feature table of an archive.
        min_per_genre: genres of fewer tracks are left out.
        vocabulary: the user's words for genres that stand in tags.
        jobs: worker processes.
    """

    data: Path
    out: Path
    settings: ModelSettings
    labels: LabelSource = "auto"
    table: Path | None = None
    min_per_genre: int = 5
    vocabulary: Vocabulary | None = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training."""

    bundle: Bundle
    figures: dict[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()


def train(
    options: TrainOptions,
    *,
    say: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Trained:
    """Train, judge and write a model.

    A stopped training of the same command goes on from its last checkpoint, which lies in
    ``out`` until the model is done.

    Args:
        options: data and model.
        say: told what is being done, a line at a time.
        progress: told how many tracks of how many are heard.

    Raises:
        UsageError: the data, ``out`` or what the network is to begin with cannot be used.
        ModelError: the model that the network is to begin with is missing or damaged.
        LockedError: another training into ``out`` is under way.
    """
    check_out(options.out)
    kind = NETWORKS[options.settings.network]
    if options.settings.options:
        # Weights that cannot be had are told of before hours of hearing.
        import tagger.training.fit  # noqa: F401 - loads TensorFlow without its chatter

        kind.build(2, **dict(options.settings.options))
    data = load_data(
        options.data,
        labels=options.labels,
        table=options.table,
        every_frame=kind.every_frame,
        min_per_genre=options.min_per_genre,
        vocabulary=options.vocabulary,
        seed=options.settings.seed,
        jobs=options.jobs,
        progress=progress,
    )
    for note in data.notes:
        say(note)
    say(f"{len(data.tracks)} tracks of {len(data.labels)} genres, split by {data.unit}")
    work = options.out / _WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        with RunLock(work, "genretag train"):
            figures = _make(data, options, work, say)
        shutil.rmtree(work)
    except OSError as error:
        raise UsageError(
            f"--out {options.out}: cannot be written: {error.strerror or error}"
        ) from error
    return Trained(load_bundle(options.out), figures, data.notes)


def _make(
    data: Data, options: TrainOptions, work: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Fit a model and put it into ``out``, which holds its former content until all is made."""
    # Not before the tracks are heard: TensorFlow loads for seconds.
    from tagger.training.export import write_bundle
    from tagger.training.model import fit_model
    from tagger.training.own_card import write_own_card

    bundle, figures = fit_model(data, options.settings, work, say)
    made = work / "model"
    write_own_card(write_bundle(replace(bundle, folder=made), made), figures, made)
    # The manifest last: it says that the rest is there.
    files = sorted(made.iterdir(), key=lambda file: file.name == MANIFEST)
    for file in files:
        file.replace(options.out / file.name)
    remove_former(options.out, {file.name for file in files})
    return figures


def check_out(out: Path) -> None:
    """Make sure that nothing of the user's is in the way of a model's folder.

    Raises:
        UsageError: something is.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is a file; name a folder")
    if not out.is_dir():
        return
    strangers = sorted(p.name for p in out.iterdir() if p.name != _WORK)
    if strangers and MANIFEST not in strangers:
        raise UsageError(f"--out {out}: holds other files ({strangers[0]}); name a new folder")
