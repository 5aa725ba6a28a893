"""The meta-parameter study: its networks, the list of runs, what is stored and resumed, a cluster that loses a worker,
the tables.
"""
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from utils import networks, session
from utils.instructor import study
from utils.instructor.study import Run
from utils.layers import DenseBlock, PlainBlock
from utils.plot.study import SLIDES, STORED, study_cell, study_rows, study_table
from utils.quiet import tf

TINY = Run(net="plain", blocks=2, convolutions=1, filters=1, batch=16, faces=32, epochs=1)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder with a faces.npz of noise, of 32, 8 and 20 images."""
    rng, arrays = np.random.default_rng(0), {}
    for split, n in (("train", 32), ("val", 8), ("test", 20)):
        arrays |= {f"x_{split}": rng.integers(0, 256, [n, 48, 48], dtype=np.uint8), f"y_{split}": np.arange(n) % 2,
                   f"age_{split}": np.full(n, 30), f"race_{split}": np.zeros(n, int)}
    np.savez(tmp_path / "faces.npz", **arrays)
    return str(tmp_path)


# The networks ---------------------------------------------------------------------------------------------------------

def test_code_and_caption_of_the_slides_are_two_networks_with_the_same_output_shape():
    def parameters(filters: int, convolutions: int) -> int:
        total = 0
        for inputs in (1, 32, 32, 32):
            total += sum(9 * (inputs + i * filters) * filters + filters for i in range(convolutions))
            total += (inputs + convolutions * filters) * 32 + 32
        return total + 288 * 50 + 50 + 50 * 2 + 2

    assert parameters(16, 2) == 59_160
    for filters, convolutions in ((16, 2), (3, 16)):
        net = networks.DenseNet(filters=filters, convolutions_per_block=convolutions)
        assert networks.count_parameters(net) == parameters(filters, convolutions)
        x = tf.zeros([1, 48, 48, 1])
        for block in net.blocks:
            x = block(x)
        assert x.shape == (1, 3, 3, 32)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_plain_net_against_the_same_net_in_keras(batch_norm):
    session.start(2)
    ours = networks.PlainNet(blocks=2, filters=5, convolutions_per_block=3, batch_norm=batch_norm)
    for variable in ours.variables:
        if variable.dtype == tf.float32:
            variable.assign(tf.random.uniform(variable.shape, 0.1, 0.3) * (1 if "variance" in variable.name else tf.sign(
                tf.random.normal(variable.shape))))
    layers = tf.keras.layers
    x = start = tf.keras.Input([48, 48, 1])
    for _ in range(2):
        for _ in range(3):
            x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
            x = layers.BatchNormalization(epsilon=1e-3)(x) if batch_norm else x
        x = layers.Conv2D(32, 1, activation="relu")(layers.MaxPooling2D()(x))
    theirs = tf.keras.Model(start, layers.Dense(2)(layers.Dense(50, activation="relu")(layers.Flatten()(x))))
    values = []
    for block in ours.blocks:
        for i, convolution in enumerate(block.convolutions):
            values += [convolution.weights, convolution.bias]
            if batch_norm:
                norm = block.norms[i]
                values += [norm.scale, norm.shift, norm.mean, norm.variance]
        values += [block.reduction.weights, block.reduction.bias]
    values += [ours.hidden.weights, ours.hidden.bias, ours.output.weights, ours.output.bias]
    theirs.set_weights([value.numpy() for value in values])
    x = np.random.default_rng(0).random([4, 48, 48, 1]).astype(np.float32)
    expected = theirs(x).numpy()
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(ours(x), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("build", [DenseBlock, PlainBlock])
def test_dropout_follows_each_convolution_of_a_block(build):
    session.start(0)
    block, seen = build(5, filters=4, convolutions=2, outputs=3, dropout=0.5), []
    drop = block.dropout

    def recorded(x: tf.Tensor, training: bool) -> tf.Tensor:
        seen.append(x.shape.as_list())
        return drop(x, training)

    block.dropout = recorded
    x = tf.random.uniform([2, 8, 8, 5])
    first, second = block(x, training=True), block(x, training=True)
    assert seen[:3] == [[2, 8, 8, 4], [2, 8, 8, 4], [2, 4, 4, 3]]
    assert (first.numpy() != second.numpy()).any()
    np.testing.assert_array_equal(block(x), block(x))


# The list of runs -----------------------------------------------------------------------------------------------------

def test_runs_are_about_150_each_once_real_faces_first():
    runs = study.runs()
    assert 140 <= len(runs) <= 165 and len(set(runs)) == len(runs)
    kinds = [run.data for run in runs]
    assert kinds == sorted(kinds) and set(kinds) == {"real", "rendered"}
    assert {run._replace(data="real") for run in runs} == {run for run in runs if run.data == "real"}
    assert len({study.name(run) for run in runs}) == len(runs)


@pytest.mark.parametrize("kind", ["real", "rendered"])
def test_runs_cover_what_the_slides_vary(kind):
    runs = {run for run in study.runs() if run.data == kind}
    plain, dense = ([run for run in runs if run.net == net] for net in ("plain", "dense"))
    assert {run.convolutions for run in plain} >= {1, 2, 4, 7, 10, 20} and {run.convolutions for run in dense} >= {1, 2, 4, 7, 10}
    for setting, values in {"filters": {4, 16, 32}, "batch": {64, 256}, "dropout": {0.0, 0.05, 0.15, 0.3, 0.5}, "blocks": {3, 4},
                            "batch_norm": {False, True}, "faces": {1000, 10_000}, "seed": {0, 1}}.items():
        assert {getattr(run, setting) for run in dense} >= values, setting
    assert all(run._replace(batch_norm=not run.batch_norm) in runs for run in plain)
    crossed = [run for run in runs if run == Run(kind, filters=4, batch=run.batch, dropout=run.dropout)]
    assert len(crossed) == 2 * 5
    seen = Counter(run.faces * run.epochs for run in runs)
    assert {20_000, 80_000} <= set(seen) <= {20_000, 60_000, 80_000} and seen[20_000] >= 0.8 * len(runs)
    for many in (run for run in runs if run.faces == 10_000):
        assert many._replace(faces=1000, epochs=10 * many.epochs) in runs
    assert all(run._replace(batch=64, epochs=20) in runs for run in runs if run.batch == 256 and run.epochs == 80)


def test_both_of_40_convolutions_on_real_faces_and_the_code_of_the_slides():
    runs = study.runs()
    assert sum(run.convolutions == 40 and run.net == "plain" for run in runs) == 2
    assert Run(filters=3, convolutions=16) in runs
    assert max(run.convolutions for run in runs if run.net == "dense" and run.filters > 3) == 10


# One run, the file, and going on --------------------------------------------------------------------------------------

def test_a_run_gives_a_row_and_one_that_diverges_or_fails_is_ko(folder, monkeypatch):
    row = study.measure(TINY, folder, "abc")
    assert row["outcome"] == "trained" and row["commit"] == "abc" and row["tested"] == 20 and row["seconds"] > 0
    assert row["parameters"] == (9 + 1 + 32 + 32) + (9 * 32 + 1 + 32 + 32) + 12 * 12 * 32 * 50 + 50 + 102
    for split, n in (("train", 32), ("val", 8), ("test", 20)):
        assert row[f"{split}_accuracy"] * n == pytest.approx(round(row[f"{split}_accuracy"] * n), abs=0.01)
    failed = study.measure(TINY._replace(blocks=9), folder, "abc")
    assert failed["outcome"] == "KO" and failed["why"].startswith("ValueError: blocks is 9")
    monkeypatch.setattr(study, "LEARNING_RATE", 1e30)
    diverged = study.measure(TINY._replace(epochs=3), folder, "abc")
    assert diverged["outcome"] == "KO" and diverged["why"].startswith("TrainingDiverged") and "test_accuracy" not in diverged


def test_study_goes_on_where_it_was_stopped(tmp_path, monkeypatch, capsys):
    runs, path, begun = [TINY._replace(seed=seed) for seed in range(4)], tmp_path / "results.json", []
    monkeypatch.setattr(study, "runs", lambda: runs)
    monkeypatch.setenv("COURSE_DATA", "somewhere")

    def measured(run: Run, folder: str, commit: str) -> study.Row:
        begun.append(run.seed)
        if begun == [0, 1, 2]:
            raise KeyboardInterrupt
        return run._asdict() | {"outcome": "trained", "folder": folder}

    with pytest.raises(KeyboardInterrupt):
        study.main(["--processes", "1"], path, measured)
    assert [row["seed"] for row in study.read(path)] == [0, 1]
    assert study.main(["--processes", "1", "plain", "seed 3"], path, measured) == 0
    assert study.main(["--processes", "1"], path, measured) == 0
    assert begun == [0, 1, 2, 3, 2] and [row["seed"] for row in study.read(path)] == [0, 1, 3, 2]
    assert {row["folder"] for row in study.read(path)} == {"somewhere"}
    assert study.main(["--list", "dense"], path, measured) == 0 and study.main(["dense"], path, measured) == 2


def test_real_faces_are_left_out_without_their_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "runs", lambda: [TINY, TINY._replace(data="rendered")])
    monkeypatch.delenv("COURSE_DATA", raising=False)
    path = tmp_path / "results.json"
    assert study.main(["--processes", "1"], path, lambda run, folder, commit: run._asdict() | {"outcome": "trained"}) == 0
    assert [row["data"] for row in study.read(path)] == ["rendered"]
    assert "COURSE_DATA" in capsys.readouterr().err


def test_a_cluster_that_loses_a_worker_gives_all_rows(tmp_path, folder, monkeypatch):
    """A real scheduler and two worker processes; the one that begins seed 1 first is killed in the middle of it."""
    from distributed import Client, LocalCluster

    killed, path = str(tmp_path / "killed"), tmp_path / "results.json"

    def measured(run: Run, folder: str, commit: str) -> study.Row:  # pickled as a whole, as the workers do not know this file
        from utils.instructor import study as there

        if run.seed == 1 and not os.path.exists(killed):
            os.close(os.open(killed, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        return there.measure(run, folder, commit) | {"process": os.getpid()}

    monkeypatch.setattr(study, "runs", lambda: [TINY._replace(seed=seed) for seed in range(3)])
    monkeypatch.setenv("COURSE_DATA", folder)
    with LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--nthreads", "1",
                   "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path)]
        workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
        try:
            with Client(cluster) as client:
                client.wait_for_workers(2)
            assert study.main(["--scheduler", cluster.scheduler_address], path, measured) == 0
            alive = [worker.pid for worker in workers if worker.poll() is None]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    rows = study.read(path)
    assert len(alive) == 1 and sorted(row["seed"] for row in rows) == list(range(3))
    assert ({row["outcome"] for row in rows} == {"trained"}
            and alive[0] in {row["process"] for row in rows} <= {w.pid for w in workers})


# The tables -----------------------------------------------------------------------------------------------------------

def row(accuracy: float | None = None, **settings) -> dict:
    """A row with these settings, the others as in the slides; KO without an accuracy."""
    known = {"outcome": "KO"} if accuracy is None else {"outcome": "trained", "test_accuracy": accuracy, "tested": 1500}
    return SLIDES | {"seed": 0} | settings | known


def test_cells_of_a_table_with_their_intervals():
    rows = [row(0.8), row(0.51, dropout=0.5), row(batch=256), row(0.9, blocks=3), row(0.7, blocks=3, seed=1),
            row(0.9, data="rendered"), row(0.5, filters=4), row(0.76, filters=4, seed=1), row(0.5, filters=4, seed=2)]
    cell = study_cell(rows)
    expected = stats.binomtest(1200, 1500).proportion_ci(method="wilson")
    assert (cell.kind, cell.mean, cell.seeds) == ("trained", 0.8, 1)
    np.testing.assert_allclose([cell.low, cell.high], expected, atol=1e-6)
    assert study_cell(rows, dropout=0.5).kind == "chance" and study_cell(rows, dropout=0.5).at_chance == 1
    assert study_cell(rows, filters=4)[::4] == ("trained", 3) and study_cell(rows, filters=4).at_chance == 2
    assert study_cell(rows, batch=256).kind == "KO" and study_cell(rows, batch=256).seeds == 1
    assert study_cell(rows, filters=32).kind == "not run"
    assert study_cell(rows, blocks=3)[1:] == (pytest.approx(0.8), 0.7, 0.9, 2, 0)  # wider than Wilson's
    with pytest.raises(ValueError, match="no setting depth"):
        study_cell(rows, depth=3)


def test_table_writes_each_cell_in_its_place(tmp_path):
    path = tmp_path / "results.json"
    study.store(path, [row(0.913, convolutions=1), row(0.5, convolutions=2), row(convolutions=2, batch_norm=True),
                       row(0.5, convolutions=1, seed=1)])
    fig = study_table(study_rows(path), {"convolutions": (1, 2, 4)}, {"batch_norm": (False, True), "batch": (64, 256)},
                      title="a table")
    texts = {(text.get_position()[0], int(text.get_position()[1])): text.get_text() for text in fig.axes[0].texts
             if re.fullmatch(r"[\d.]+|KO", text.get_text())}
    assert texts == {(0.5, 0): "70.7", (0.5, 1): "50.0", (1.5, 1): "KO"}
    names = {text.get_text() for text in fig.axes[0].texts}
    assert names > {"1 convolution", "2 convolutions", "batch norm\noff", "batch norm\non", "batch of\n64", "1 at chance"}
    assert not names & {"4 convolutions", "batch of\n256"}, "nothing was run with these"


def test_what_is_stored_is_of_the_list_and_complete():
    rows = study_rows(STORED)
    settings = [Run(**{field: row[field] for field in Run._fields}) for row in rows]
    assert len(set(settings)) == len(settings) and set(settings) <= set(study.runs())
    assert SLIDES.keys() == set(Run._fields) - {"seed"} and SLIDES == {k: v for k, v in Run()._asdict().items() if k != "seed"}
    assert json.loads(STORED.read_text(encoding="utf-8"))["conditions"] == study.CONDITIONS
    for one in rows:
        assert ("why" in one) == (one["outcome"] == "KO") and one["seconds"] > 0 and one["commit"]
        assert one["outcome"] == "KO" or all(0.3 < one[f"{split}_accuracy"] <= 1 for split in ("train", "val", "test"))
