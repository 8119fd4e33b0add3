"""``genretag train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import (
    DataArgument,
    JobsOption,
    LabelsOption,
    TableOption,
    chosen,
    label_source,
)

__all__ = ["train"]


def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the new model.")],
    labels: LabelsOption = "auto",
    table: TableOption = None,
    network: Annotated[
        str,
        typer.Option(metavar="NAME", help="Which network; `--network list` describes them."),
    ] = "resnet",
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="imagenet|PATH|none",
            help="Where the body of vgg16, xception or mobilenetv2 comes from.",
        ),
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME|DIR",
            help="Model with whose network to begin; its last layer is new.",
        ),
    ] = None,
    tune: Annotated[
        str,
        typer.Option(
            metavar="head|last|all",
            help="With --from, what is trained: only the new layer (quick), the last block as "
            "well, or the whole network, which then learns at a low rate.",
        ),
    ] = "head",
    add_to: Annotated[
        str | None,
        typer.Option(
            "--add-to",
            metavar="NAME|DIR",
            help="Model to which the genres of DATA are added; what it was trained on is not "
            "needed. All else in it stays as it is.",
        ),
    ] = None,
    sonify: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.wav",
            help="With `--network autoencoder`: write the sound of a track as its codes keep it.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            max=10_000,
            help="Passes over the tracks, at most; without it 120, for the autoencoder 40.",
        ),
    ] = None,
    balance: Annotated[
        str,
        typer.Option(
            metavar="none|weights|sampling",
            help="What is done about genres of few tracks: nothing, a greater weight, or more "
            "frequent draws.",
        ),
    ] = "weights",
    min_per_genre: Annotated[
        int, typer.Option(min=2, metavar="N", help="Genres of fewer tracks are left out.")
    ] = 5,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Decides the split and all else by chance.")
    ] = 0,
    jobs: JobsOption = None,
) -> None:
    """Train a model on your own genres, and say honestly how good it is.

    DATA is a folder per genre, a library whose genre tags you trust (`--labels tags`), a CSV
    (path,genre[,artist]), or a spectrogram archive. A fifth of the artists is kept apart to judge
    by; the model card in DIR says what came of it. Use the result with `genretag scan --model DIR`.

    A training that was stopped goes on where it was if the same command is given again.
    """
    from tagger.cli.extras import needing_train
    from tagger.errors import UsageError
    from tagger.report.learning import LearningConsole
    from tagger.report.text import shown
    from tagger.workflows.config import load_config

    console = LearningConsole()
    with needing_train("train", "keras", "matplotlib", "skl2onnx", "sklearn", "tensorflow"):
        from tagger.training.networks_registry import AUTOENCODER, NETWORKS

        if network == "list":
            described = {name: kind.description for name, kind in NETWORKS.items()}
            console.networks(
                described | {AUTOENCODER: "a short code of how tracks sound; no genres"}
            )
            return
        if sonify and network != AUTOENCODER:
            raise UsageError(f"--sonify {sonify}: goes with --network {AUTOENCODER}")
        if network == AUTOENCODER:
            if begin or weights or table or add_to or labels != "auto":
                raise UsageError(
                    f"--network {AUTOENCODER}: learns without labels and begins without weights; "
                    "leave out --labels, --features, --weights, --from and --add-to"
                )
            from tagger.training.encode import EncodeOptions, train_autoencoder

            coding = EncodeOptions(data, out, epochs or 40, sonify, seed, jobs or console.jobs)
            with console.hearing() as progress:
                encoded = train_autoencoder(coding, say=console.say, progress=progress)
            console.encoded(encoded.figures, encoded.heard, out, sonify)
            return
        if network == "mlp":
            raise UsageError(
                "--network mlp: a perceptron on attributes is one of the classifiers: "
                "genretag compare DATA --classifiers mlp"
            )
        kind = NETWORKS[chosen("--network", network, *NETWORKS)]
        if weights and not kind.takes_weights:
            raise UsageError(f"--weights {weights}: {network} begins without any")
        if begin and not kind.begins_with_model:
            raise UsageError(f"--from {begin}: {network} cannot begin with a model's body")
        if tune != "head" and not begin:
            raise UsageError(f"--tune {tune}: goes with --from")
        if epochs and begin and tune == "head":
            raise UsageError(
                f"--epochs {epochs}: a new last layer is fitted in one go; epochs go with "
                "--tune last or all"
            )
        if add_to:
            if begin or weights or table or network != "resnet":
                raise UsageError(
                    f"--add-to {add_to}: nothing is trained but judges of the new genres; leave "
                    "out --network, --weights, --from and --features"
                )
            from tagger.training.add_genre import AddOptions, add_to_model

            additions = AddOptions(
                data=data,
                out=out,
                model=add_to,
                name=shown(out.resolve().name) or "own",
                labels=label_source(labels),
                min_per_genre=min_per_genre,
                vocabulary=load_config().vocabulary,
                seed=seed,
                jobs=jobs or console.jobs,
            )
            with console.hearing() as progress:
                added = add_to_model(additions, say=console.say, progress=progress)
            console.added(added.bundle.identity, added.genres, added.seconds, out)
            return
        from tagger.training.settings import ModelSettings
        from tagger.training.train import TrainOptions
        from tagger.training.train import train as run

        given = {"weights": None if weights == "none" else weights} if weights else {}
        if begin:
            given["begin"] = begin
        settings = ModelSettings(
            name=shown(out.resolve().name) or "own",
            network=network,
            options=tuple(given.items()),
            tune=chosen("--tune", tune, "head", "last", "all"),
            epochs=epochs or 120,
            balance=chosen("--balance", balance, "none", "weights", "sampling"),
            seed=seed,
        )
        options = TrainOptions(
            data=data,
            out=out,
            settings=settings,
            labels=label_source(labels),
            table=table,
            min_per_genre=min_per_genre,
            vocabulary=load_config().vocabulary,
            jobs=jobs or console.jobs,
        )
        try:
            with console.hearing() as progress:
                trained = run(options, say=console.say, progress=progress)
        except KeyboardInterrupt:
            console.say("stopped; the same command goes on from there")
            raise
    console.trained(trained.bundle.identity, trained.figures, out)
