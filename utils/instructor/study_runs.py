"""Which networks the meta-parameter study trains (`utils.instructor.study`), in the order of what they tell."""
import itertools
from collections.abc import Iterable
from typing import NamedTuple

EPOCHS = 20  # passes over 1,000 faces: 20,000 images seen, the same for all runs but those named in `runs`


class Run(NamedTuple):
    """The settings of one training; the defaults are the DenseNet of the slides, with 1,000 faces."""

    data: str = "real"  # or "rendered"
    net: str = "dense"  # or "plain"
    blocks: int = 4
    convolutions: int = 2  # per block
    filters: int = 16
    batch: int = 64
    dropout: float = 0.0
    batch_norm: bool = False
    faces: int = 1000  # to train with
    epochs: int = EPOCHS
    seed: int = 0


def runs() -> list[Run]:
    """All runs of the study, the most important first, each once: real faces, then rendered ones.

    Each sees EPOCHS times 1,000 images but for one pair with 10,000 and 1,000 faces (60,000 images), and for a few that see 4
    times as many: batches of 256 then make as many updates as those of 64 otherwise, and slow nets have the time to learn.
    """
    real, rendered = [*_quick(), *_slow(), *_further()], [*_quick(), *_slow()]
    return list(dict.fromkeys(real + [run._replace(data="rendered") for run in rendered]))


def _vary(start: Run, **values: Iterable) -> list[Run]:
    """`start` with each combination of the values."""
    return [start._replace(**dict(zip(values, chosen))) for chosen in itertools.product(*values.values())]


def _quick() -> list[Run]:
    """One factor at a time from the dense net with 4 filters; depth x batch norm and batch x dropout where they are quick.

    Two seeds.
    """
    slides, dense, plain = Run(), Run(filters=4), Run(net="plain", filters=4)
    first = [
        *_vary(dense, batch=(64, 256), dropout=(0.0, 0.5)),
        *_vary(plain, convolutions=(2, 4), batch_norm=(False, True)),
        dense._replace(convolutions=1), dense._replace(blocks=3), dense._replace(batch_norm=True),
        dense._replace(faces=10_000, epochs=EPOCHS // 10),  # sees as many images as with 1,000 faces
        dense._replace(convolutions=4), slides,
        *_vary(dense, dropout=(0.3,), batch=(64, 256)), *_vary(plain, convolutions=(1,), batch_norm=(False, True)),
    ]
    return [run._replace(seed=seed) for seed in (0, 1) for run in first]


def _slow() -> list[Run]:
    """Longer trainings of what learns slowly, deep nets, the other rates of dropout, more filters."""
    slides, dense, plain = Run(), Run(filters=4), Run(net="plain", filters=4)
    longer = {"epochs": (4 * EPOCHS,)}
    return [
        *_vary(plain, convolutions=(7,), batch_norm=(False, True)),
        *_vary(dense, **longer, batch=(256,), dropout=(0.0, 0.5)),  # as many updates as batches of 64 make otherwise
        *_vary(plain, convolutions=(10,), batch_norm=(False, True)), dense._replace(convolutions=7),
        *_vary(dense, dropout=(0.15, 0.05), batch=(64, 256)),
        slides._replace(dropout=0.5), slides._replace(batch=256),
        *_vary(plain, convolutions=(7, 10), batch_norm=(False, True), seed=(1,)), dense._replace(convolutions=7, seed=1),
        *_vary(plain, convolutions=(20,), batch_norm=(True, False)),
        slides._replace(filters=32), slides._replace(batch_norm=True), dense._replace(convolutions=10),
        *_vary(plain, **longer, convolutions=(7,), batch_norm=(True, False)),
        *_vary(dense, **longer, batch=(64,), dropout=(0.0, 0.5)),
    ]


def _further() -> list[Run]:
    """The rest of the slides' tables: 16 and 32 filters at each depth, 20 and 40 convolutions per block,
    more with 10,000 faces.
    """
    slides, dense, plain = Run(), Run(filters=4), Run(net="plain", filters=4)
    return [
        dense._replace(faces=10_000, epochs=6), dense._replace(epochs=60),  # both see 60,000 images
        *_vary(slides, convolutions=(1, 4)), slides._replace(blocks=3),
        slides._replace(faces=10_000, epochs=EPOCHS // 10),
        *_vary(plain, convolutions=(20,), batch=(256,), batch_norm=(True, False)),
        *_vary(plain, convolutions=(40,), batch_norm=(True, False)),
        *_vary(dense, convolutions=(10,), batch=(256,), batch_norm=(False, True)),
        dense._replace(convolutions=10, batch_norm=True),
        slides._replace(dropout=0.3), *_vary(slides, batch=(256,), dropout=(0.5, 0.3)),
        *_vary(plain, filters=(16,), convolutions=(2, 7, 4, 1, 10), batch_norm=(False, True)),
        *_vary(slides, convolutions=(4,), batch=(256,)), *_vary(slides, filters=(32,), batch=(256,)),
        slides._replace(filters=3, convolutions=16),  # what the slides' code says, and their caption does not
    ]


def name(run: Run) -> str:
    """The settings in words, which the words of the command choose from."""
    return (f"{run.data} {run.net} {run.blocks} blocks, {run.convolutions} convolutions, {run.filters} filters, batch "
            f"{run.batch}, dropout {run.dropout:g}, batch norm {'on' if run.batch_norm else 'off'}, {run.faces} faces, "
            f"{run.epochs} epochs, seed {run.seed}")


def work(run: Run) -> float:
    """About how long the run takes, in multiplications of the 3x3 convolutions: to tell the time that is left."""
    grown = run.filters if run.net == "dense" else 0
    images = run.epochs * run.faces + 2_000  # and those of the evaluation
    total = 0.0
    for block in range(run.blocks):
        first = 32 if block else 1
        inputs = [first + i * grown if grown or not i else run.filters for i in range(run.convolutions)]
        # a convolution with few channels waits for memory: it costs like one with some more
        total += (48 // 2**block) ** 2 * sum(9 * channels * run.filters + 1200 for channels in inputs)
    return images * total
