"""How good neighbours are: ``python tests/benchmarks/similar_quality.py DATA [--work WORK]``.

For each clip of GTZAN and Emotify (in ``DATA/gtzan`` and ``DATA/emotify``), how many of its ten
nearest have its genre; clips of the same artist are left out. By features alone, by the network's
embedding alone, by the genres heard alone, by all of them as ``genretag similar`` weighs them, and
by chance. Three times over:

shipped   with the model as it is. Its network and ensemble were fitted on these very clips, so that
          all but the features are far too good.
halves    with no artist on both sides: an ensemble fitted on one half says the genres of the other,
          within which neighbours are sought. Without a network.
held out  with ``--work``, the folder of ``tagger.training.default_model``: ensemble and network of
          the stage ``develop`` on the clips that neither was fitted on.

With ``--unknown FOLDER`` (of audio of one genre that the model does not know), also how many of ten
neighbours of these clips are such, among all: what the parts are worth beyond the model's genres.
The projections of the features are fitted on all clips throughout; they know no genres.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from tagger.analysis.analyse import analyse
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.cnn import EMBEDDING, LOGITS, Cnn
from tagger.models.ensemble import Ensemble
from tagger.models.fusion import fuse, log_softmax, mean_patches
from tagger.models.similarity import Space, fit_space, similarities, space_of
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet
from tagger.training.default_data import DefaultData, load_default_data
from tagger.training.ensemble import fit_members, soft_vote
from tagger.training.metrics import precision_at
from tagger.training.similar_space import look

K = 10
Array = npt.NDArray[Any]


class Heard:
    """Features, embeddings and genres of some clips, and the spaces that are compared."""

    def __init__(self, tracks: TrackSet, embeddings: Array, chances: Array, space: Space) -> None:
        self.tracks, self.inputs = tracks, (tracks.features, embeddings, chances)
        self.ways = {part.spec.source: Space((part,)) for part in space.parts}
        self.ways["all of them"] = space

    def figures(self, rows: Array, sources: Iterable[str]) -> dict[str, list[str]]:
        """For each way of comparing, the precision among the clips of each source."""
        found: dict[str, list[str]] = {}
        for source in sources:
            some = rows[self.tracks.source[rows] == source]
            chance = 0.0
            for way, space in self.ways.items():
                vectors = space.vectors(*(x[some] for x in self.inputs))
                named = self.tracks.genres[some], self.tracks.groups[some]
                share, chance = precision_at(K, vectors, *named)
                found.setdefault(way, []).append(f"{share:.3f}")
            found.setdefault("chance", []).append(f"{chance:.3f}")
        return found


def shown(title: str, figures: list[dict[str, list[str]]]) -> None:
    """Print a table; several of the same kind as their mean."""
    print(f"\n{title}\n{'':24}{'GTZAN':>10}{'Emotify':>10}")
    for way in figures[0]:
        rows = np.array([[float(x) for x in f[way]] for f in figures]).mean(axis=0)
        print(f"{way:24}" + "".join(f"{x:10.3f}" for x in rows), flush=True)


def _members(data: DefaultData) -> dict[str, Any]:
    tracks = data.tracks
    return fit_members(tracks.features, data.targets, data.possible, data.catch_all, 0)


def halves(data: Any, space: Space) -> list[dict[str, list[str]]]:
    tracks = data.tracks
    kinds = np.char.add(tracks.source, tracks.genres)
    found = []
    for fitted, judged in StratifiedGroupKFold(2, shuffle=True, random_state=0).split(
        tracks.features, kinds, tracks.groups
    ):
        members = _members(data.take(fitted))
        chances = soft_vote(members, dict.fromkeys(members, 1.0), tracks.features)
        without = Space(tuple(p for p in space.parts if p.spec.source != "embedding"))
        none = np.zeros((len(tracks), 0))
        found.append(Heard(tracks, none, chances, without).figures(judged, ("gtzan", "emotify")))
    return found


def held_out(data: Any, bundle: Bundle, work: Path) -> dict[str, list[str]]:
    from tagger.training.default_network import FittedNetwork
    from tagger.training.embedding import cut_all, embed

    tracks, spec = data.tracks, replace(bundle.cnn, embedding=0)
    network = FittedNetwork.load(work / "develop").network()
    listener = embed(network, spec, tracks.pictures[~data.held])
    embeddings, log_probs = [], []
    for picture in tracks.pictures:
        said = listener.network(cut_all([picture], spec), training=False)
        embeddings.append(np.asarray(said[EMBEDDING]).mean(axis=0))
        log_probs.append(mean_patches(log_softmax(np.asarray(said[LOGITS]))))
    members = _members(data.take(~data.held))
    votes = soft_vote(members, dict.fromkeys(members, 1.0), tracks.features)
    chances = fuse(votes, np.stack(log_probs), bundle.fusion)
    space = fit_space(tracks.features, np.stack(embeddings), chances)
    heard = Heard(tracks, np.stack(embeddings), chances, space)
    return heard.figures(np.flatnonzero(data.held), ("gtzan", "emotify"))


def unknown(folder: Path, heard: Heard, cnn: Cnn, bundle: Bundle) -> None:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    plan = ExcerptPlan(count=1, seconds=30.0)
    analyses = [analyse(read_signal(file, plan), ENSEMBLE_FEATURES) for file in files]
    features = np.stack([analysis.features for analysis in analyses])
    embeddings, log_probs = look(cnn, bundle.cnn, [a.picture.parts[0] for a in analyses])
    chances = fuse(Ensemble(bundle).probabilities(features), log_probs, bundle.fusion)
    print(f"\n{folder.name}, {len(files)} clips of a genre that the model does not know")
    n = len(heard.tracks)
    genres = np.append(heard.tracks.genres, np.full(len(files), folder.name))
    for way, space in heard.ways.items():
        mine = zip(heard.inputs, (features, embeddings, chances), strict=True)
        vectors = space.vectors(*(np.concatenate([x, y]) for x, y in mine))
        shares = []
        for i in range(n, n + len(files)):
            near = similarities(vectors[i], vectors)
            near[i] = -np.inf
            shares.append((genres[np.argsort(-near, kind="stable")[:K]] == folder.name).mean())
        print(f"{way:24}{np.mean(shares):10.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--unknown", type=Path)
    options = parser.parse_args()
    bundle = load_bundle(find_bundle(options.model))
    data = load_default_data(options.data)
    tracks = data.tracks
    cnn = Cnn(bundle)
    embeddings, log_probs = look(cnn, bundle.cnn, tracks.pictures)
    votes = Ensemble(bundle).probabilities(tracks.features)
    chances = fuse(votes, log_probs, bundle.fusion)
    own = space_of(bundle)
    space = own or fit_space(tracks.features, embeddings, chances)
    print(f"{bundle.identity}, {len(tracks)} clips, space {'of the model' if own else 'fitted'}")
    heard = Heard(tracks, embeddings, chances, space)
    everything = np.arange(len(tracks))
    shown("shipped (in-sample)", [heard.figures(everything, ("gtzan", "emotify"))])
    shown("halves", halves(data, space))
    if options.work:
        shown("held out", [held_out(data, bundle, options.work)])
    if options.unknown:
        unknown(options.unknown, heard, cnn, bundle)


if __name__ == "__main__":
    main()
