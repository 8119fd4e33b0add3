"""Parts of the default model's card that are the same for every run, and one table."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["MUSICNN_LICENCE", "TRIED", "cross_table"]

MUSICNN_LICENCE: Final = """\
> Copyright (c) Music Technology Group, Universitat Pompeu Fabra 2019. Code developed by Jordi Pons
> (www.jordipons.me).
>
> Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee
> is hereby granted, provided that the above copyright notice and this permission notice appear in all
> copies.
>
> THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE
> INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE
> FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
> OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING
> OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE."""

TRIED: Final = """\
## What was tried

On the development run's held-out clips, one seed each; GTZAN train → valid, and Emotify of its four
genres where it was part of the fit. Differences below 0.03 are within the noise.

| tried | GTZAN | Emotify | |
|---|---|---|---|
| ensemble on GTZAN's table alone, vote of three | 0.48 | – | with level and tempo |
| and 128 simple statistics of the log-mel | 0.57 | – | 0.59 without level and tempo |
| and rhythm, edges, correlation of bands | 0.63 | – | kept |
| the same, Emotify as if all eleven labels had been possible | 0.59 | 0.64 | GTZAN's country and blues drawn to rock and pop |
| Emotify masked to its four labels (logistic regression) | 0.59 to 0.65 | 0.64 to 0.68 | by weight and penalty; kept at 0.635 |
| SVM calibrated one label against the rest | 0.52 | 0.68 | against 0.59 with Platt's pairwise scaling |
| 300 learned patch words as further features | 0.65 | 0.68 | logistic regression; fused 0.62 to 0.655 by weight: no clear gain, left out |
| network with time stretch, band limit and stronger gain | 0.51 | – | stopped at epoch 90 of 120, against 0.57 without |
| network with Emotify unmasked | 0.59 | – | stopped at epoch 110 of 120; masked, 180 epochs: 0.635 |
| network, seven patches in place of three | 0.63 | 0.76 | no gain |
| network, pitch up and down one band averaged | 0.64 | 0.73 | three times the cost for nothing certain |
| fusion: sum of probabilities in place of logarithms | 0.60 to 0.64 | 0.71 to 0.78 | no better |
| a bias for rock as well | 0.63 | 0.78 | rock is named more often, 0.62 of the clips, and GTZAN's others less |
| masking Emotify's pop and rock alone (ensemble) | 0.62 | 0.78 | of all eleven 0.64 in place of 0.53; next to be tried for the network too |

What became of the network, in five-fold cross-validation by artist, one seed; fused with the ensemble by equal
shares of log-probability. Emotify of its four. Differences below 0.02 are within the noise.

| tried | GTZAN, network | fused | Emotify, fused | |
|---|---|---|---|---|
| ensemble alone | – | 0.67 | 0.68 | two seeds |
| MusiCNN stretched to a picture's columns, last layer a regression | 0.67 | 0.72 | 0.74 | every band |
| the same, every second band for the lower kernels and those over time | 0.66 | 0.70 | 0.73 | two thirds of the cost |
| every second band for all | 0.68 | 0.71 | 0.72 | two seeds |
| its other published weights (MagnaTagATune), every third band | 0.65 | 0.69 | 0.71 | |
| all of it fine-tuned on the genres from there, 50 epochs | 0.68 | 0.72 | 0.70 | every second band; loses on Emotify |
| fine-tuned, every band, 30 epochs | 0.71 | 0.73 | 0.71 | too slow, and worse on Emotify |
| adapted to the published network: all kernels, every band | 0.70 | 0.74 | 0.76 | 1.5 times the cost |
| adapted: all kernels, every second band for the lower and those over time | 0.69 | 0.72 | 0.75 | |
| a last layer of its own begun at random, 40 to 100 epochs of AdamW, 23 ways | – | – | – | GTZAN train → valid 0.59 to 0.64, fused 0.62 to 0.68 |
| one regression on activations and features together | 0.70 to 0.72 | – | 0.74 to 0.76 | no better than fusing on GTZAN |

What the body learns from, and what the last layer does: three seeds of the parts, one of the body; fused by 0.44
and 0.56, but where a last layer is named: there by weights fitted on other artists.

| tried | GTZAN, network | fused | Emotify, fused | |
|---|---|---|---|---|
| Emotify's 293 clips, 15 epochs | 0.709 | 0.745 | 0.751 | the body has heard what Emotify's figure is of |
| 1,319 excerpts of free music, 15 epochs | 0.710 | 0.744 | 0.759 | nearer to the published network on Emotify, too: 0.28 of the variance in place of 0.33 |
| these and spoiled copies (equaliser, band limit, noise, MP3), 10 epochs | 0.706 | 0.743 | 0.752 | on spoiled clips of Emotify 0.31 in place of 0.34; by Emotify alone 0.43 |
| both, and Emotify and its copies | 0.710 | 0.744 | 0.759 | 0.23 and 0.27 of the variance, and no more right |
| every third band, free music | 0.686 | 0.730 | 0.754 | three fifths of the cost |
| every fourth band, free music | 0.689 | 0.750 | 0.746 | two fifths of the cost |
| the published network's own next layer (200 units), or its 50 tags, in place of activations | 0.60, 0.51 | – | – | two seeds |
| that layer and the activations | 0.718 | – | – | 0.716 without; two seeds |
| all behind the first convolutions fitted on genres, still held to the published network, 8 epochs | – | – | – | GTZAN train → valid 0.640 from 0.645, fused 0.665 from 0.675; stopped |
| weights of 8 bits, or weights and activations | – | – | – | no faster; 19 % and 87 % of the clips get another genre |
| last layer fitted on clips alone, every second band | 0.706 | 0.739 | 0.756 | two seeds; 0.628 of GTZAN's clips by another master are named by the network |
| last layer fitted on three copies of each as well, counting half | 0.716 | 0.755 | 0.746 | two seeds; 0.703 of them |
| the same, every fourth band | 0.693 | 0.744 | 0.761 | two seeds; 0.648 of them |
| last layer fitted on clips alone, every third band, 12 epochs | 0.674 | 0.726 | 0.764 | three bodies; 0.598 of them |
| last layer fitted on three copies of each as well, every third band | 0.689 | 0.741 | 0.759 | three bodies; 0.655 of them; GTZAN train → valid, fused, 0.643 ± 0.006 |
| these three bodies' weights averaged | 0.691 | 0.739 | 0.759 | 0.640 of them |

With model 1.2.0 it was found that 497 of the published network's 561 first kernels are zero. Without them, every
band costs a fifth of what every second one had cost with them, and all kernels can learn. Until then what was
written of how near a body came to the published network was a mean over activations of which two thirds never
vary: over those that do, 1.2.0's differed by 0.98 of the variance, not by 0.29. Two seeds of the parts; fused by
weights fitted on other artists.

| tried | GTZAN, network | fused | Emotify, fused | GTZAN train → valid, fused | |
|---|---|---|---|---|---|
| all kernels learn, 3 epochs | 0.732 | 0.768 | 0.753 | 0.690 | 1.00 of the variance; what is looked at learns, too |
| the same, 30 epochs | 0.725 | 0.750 | 0.742 | 0.675 | 0.59 of the variance: nearer, and no more right |
| at one level, every second band, 8 epochs | 0.707, 0.712, 0.720 | 0.751, 0.751, 0.757 | 0.763, 0.770, 0.768 | 0.680, 0.680, 0.701 | three bodies; two thirds of the cost |
| at one level, every band, 8 epochs | 0.729, 0.728, 0.730 | 0.755, 0.766, 0.762 | 0.770, 0.766, 0.770 | 0.690, 0.706, 0.711 | three bodies |
| these three side by side | 0.718 | 0.762 | 0.766 | 0.701 | three to four times the cost |
| activations whitened by half before the last layer | 0.725 | 0.746 | 0.739 | 0.670 | against 0.725, 0.750, 0.742 of the 30 epochs |
| last layer's penalty weaker or stronger (0.1, 0.01) | 0.725, 0.731 | 0.770, 0.761 | 0.763, 0.766 | 0.695, 0.701 | against 0.728, 0.766, 0.766 of the second body |
| eight copies by other masters, counting half | 0.737 | 0.765 | 0.771 | 0.701 | the second body |
| eight copies, counting seven tenths | 0.739 | 0.768 | 0.770 | 0.701 | the second body; kept |
| eight copies, counting 0.85 | 0.742 | 0.768 | 0.768 | 0.706 | the second body |

What the ensemble learns from, and what else was set beside the network, with model 1.3.0's first body: three seeds of
the parts, fused by weights fitted on other artists. Another master: of each clip two copies that nothing was fitted on.

| tried | GTZAN, fused | Emotify, fused | another master: GTZAN | Emotify | |
|---|---|---|---|---|---|
| ensemble fitted on clips alone | 0.765 | 0.762 | 0.705 | 0.739 | the network alone: 0.738, 0.768, 0.713, 0.745 |
| its regression fitted on eight copies of each as well | 0.763 | 0.759 | 0.740 | 0.749 | |
| and its SVM on one copy | 0.765 | 0.758 | 0.745 | 0.754 | kept, and the trees likewise; the ensemble alone 0.697, 0.708, 0.657, 0.670 from 0.664, 0.712, 0.541, 0.610 |
| its SVM on three | 0.764 | 0.757 | 0.740 | 0.753 | |
| small dense networks in place of the SVM | 0.764 | 0.763 | 0.745 | 0.748 | |
| its regression told that Emotify's classical and electronic are nothing else | 0.761 | 0.761 | 0.741 | 0.753 | of Emotify's of all eleven 0.01 more |
| one regression on features and what the network hears, with eight copies | 0.762 | 0.768 | 0.743 | 0.741 | in place of both |
| the same beside the network | 0.766 | 0.775 | 0.744 | 0.748 | no clear gain |
| clips cut to 12 to 30 s among the copies (two seeds) | 0.765 | 0.754 | – | – | of three excerpts of 15 s of each clip, two differ in genre as often: 0.191, and 0.193 without |
| a residual network of 1.2 million parameters beside both | 0.763 | 0.747 | – | – | from 0.771, 0.765 of the same answers without it; alone 0.699, 0.719: it learned to answer as the published network does, and as the default model names the free music, then genres; without the first 0.669, 0.708 |

The published network itself, on Emotify's recordings as they are, with a last layer of its own: 0.772 to 0.778. So its
copy for pictures, with 0.775, has lost nothing there. The authors' other network (a VGG): 0.700 to 0.705, and both
together 0.739 to 0.758.

Other judges of what is no music. Unseen: by fits that saw nothing of the artist, family or voice; elsewhere: music
of GTZAN (639 clips) and Emotify (586) that a judge refuses which was fitted without that catalogue; free music: of
its 834 recordings, where none of them was fitted on. Of the 49 that the first refuses, 40 are rain, wind, places
and machines by their names, and seven are music, four of these a flute or a guitar alone.

| tried | other sounds, unseen | music, unseen | made music, unseen | elsewhere | free music | |
|---|---|---|---|---|---|---|
| logistic regression on features, threshold 0.56 | 90.5 % | 0.24 % | 23 % | 3, 4 | 49 | models 1.0.0 to 1.2.0 |
| the same, fitted on the free music as well, 0.28 | 95.0 % | 0.95 % | 23 % | 3, 4 | – | model 1.3.0; of GTZAN's and Emotify's music 0.33 %; of recorded speech it refuses 90 % |
| and on recorded speech, 0.23 | 95.6 % | 0.90 % | 27 % | 3, 6 | – | kept; of GTZAN's and Emotify's music 0.33 %; of recorded speech 98 % |
| the same, all that is no music counting 2.5 times, 0.40 | 95.3 % | 1.0 % | 21 % | 1, 4 | – | |
| on features and what the network hears before it names a genre, 0.60 | 93.2 % | 0.24 % | 16 % | 9, 12 | – | |
| trees on features, 0.52 | 94.9 % | 0.24 % | 30 % | 10, 3 | – | |
| Gaussian-kernel SVM on features, 0.56 | 95.3 % | 0.24 % | 35 % | 3, 5 | 43 | what is like nothing that it was fitted on is refused: simple made songs that are in no family |
| the same on features and what the network hears, 0.60 | 96.5 % | 0.00 % | 34 % | 6, 9 | – | |
| mean of the first and the SVM's log-odds, 0.50 | 93.7 % | 0.24 % | 27 % | 3, 4 | 48 | |

The published weights that learned from MagnaTagATune know recordings of Magnatune's, as Emotify's are: figures of
Emotify would not be of artists unheard, so they were not tried again.
"""

_SOURCES: Final = ("gtzan", "emotify_of_its_four", "emotify")


def cross_table(cross: dict[str, Any]) -> str:
    """Accuracy of each part over the seeds of a cross-validation, in Markdown.

    Args:
        cross: from :func:`tagger.training.default_figures.cross_figures`.
    """
    lines = [
        "| mean ± standard deviation over seeds | GTZAN | Emotify, of its four | Emotify, of all eleven |",
        "|---|---|---|---|",
    ]
    for part in cross["gtzan"]:
        cells = (cross[source][part] for source in _SOURCES)
        lines.append(
            f"| {part} | "
            + " | ".join(f"{of['mean']:.3f} ± {of['sd'] or 0:.3f}" for of in cells)
            + " |"
        )
    return "\n".join(lines)
