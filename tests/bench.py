"""Speed beside other libraries: `python3 course.py bench`. Ratios within one run, median of seven alternating runs.

training  the DenseNet of the slides, batch 64, 48x48 images: images per second here and in PyTorch (eager, channels_last)
gan       the DCGAN of unit 11, width 32, batch 64, 28x28 images: the same
attack    the smallest L2 perturbation of 50 faces: seconds and median norm here (100 steps) and by Foolbox's DDN (200 steps)
"""
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

BATCH, STEPS, RUNS = 64, 40, 7


def random_faces(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.random((count, 48, 48, 1), np.float32), generator.integers(0, 2, count)


def tensorflow_trainer():
    """A function that trains on STEPS batches and gives images per second."""
    from utils import networks, session
    from utils.quiet import tf

    session.start(0)
    x, y = map(tf.constant, random_faces(BATCH))
    model, optimizer = networks.DenseNet(), tf.keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def train():
        for _ in tf.range(STEPS):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True)))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    return train


def torch_trainer():
    """The same network, batch, optimiser and number of steps in PyTorch, eager, channels_last."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs):
            super().__init__()
            self.first = nn.Conv2d(inputs, 16, 3, padding=1)
            self.second = nn.Conv2d(inputs + 16, 16, 3, padding=1)
            self.reduction = nn.Conv2d(inputs + 32, 32, 1)

        def forward(self, x):
            x = torch.cat([x, torch.relu(self.first(x))], 1)
            x = torch.cat([x, torch.relu(self.second(x))], 1)
            return torch.relu(self.reduction(nn.functional.max_pool2d(x, 2)))

    model = nn.Sequential(Block(1), Block(32), Block(32), Block(32), nn.Flatten(), nn.Linear(288, 50), nn.ReLU(),
                          nn.Linear(50, 2)).to(memory_format=torch.channels_last)
    assert sum(parameter.numel() for parameter in model.parameters()) == 59160
    x, y = random_faces(BATCH)
    x = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(y)
    optimizer, cross_entropy = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()

    def train():
        for _ in range(STEPS):
            optimizer.zero_grad(set_to_none=True)
            cross_entropy(model(x), y).backward()
            optimizer.step()
    return train


def tensorflow_gan_trainer():
    """The same for the course's DCGAN: STEPS updates of both networks."""
    from utils import session
    from utils.generative import gans

    session.start(0)
    x = np.random.default_rng(0).random((BATCH, 28, 28, 1), np.float32)
    gan = gans.GAN(gans.generator(), gans.discriminator())
    return lambda: gans.train(gan, x, steps=STEPS, batch_size=BATCH)


def torch_gan_trainer():
    """The same networks, batch, optimisers and number of steps in PyTorch, eager, channels_last; D judges each image once."""
    import torch
    from torch import nn

    generator = nn.Sequential(nn.Linear(32, 3136, bias=False), nn.BatchNorm1d(3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
                              nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
                              nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh()).to(memory_format=torch.channels_last)
    discriminator = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2),
                                  nn.Conv2d(32, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
                                  nn.Flatten(), nn.Linear(3136, 1)).to(memory_format=torch.channels_last)
    networks = generator, discriminator
    assert [sum(one.numel() for one in network.parameters()) for network in networks] == [139969, 36577]
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999)) for network in networks]
    cross_entropy, ones, zeros = nn.BCEWithLogitsLoss(), torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    x = 2 * torch.rand(BATCH, 1, 28, 28).contiguous(memory_format=torch.channels_last) - 1

    def train():
        for _ in range(STEPS):
            on_real, on_made = discriminator(x), discriminator(generator(torch.randn(BATCH, 32)))
            losses = cross_entropy(on_made, ones), cross_entropy(on_real, ones) + cross_entropy(on_made, zeros)
            gradients = [torch.autograd.grad(loss, list(network.parameters()), retain_graph=network is generator)
                         for loss, network in zip(losses, networks)]
            for network, found, optimizer in zip(networks, gradients, optimizers):
                for weight, gradient in zip(network.parameters(), found):
                    weight.grad = gradient
                optimizer.step()

    return train


def serve(trainer) -> None:
    """Train once for each line on standard input, and answer with images per second: the runs of two processes alternate."""
    train = trainer()
    train()  # compilation, and the libraries' own choices, are not counted
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        train()
        print(BATCH * STEPS / (time.perf_counter() - start), flush=True)


def bench_training(peers: str, what: str, names: tuple[str, str]) -> None:
    processes = [subprocess.Popen([python, __file__, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
                 for python, name in zip((sys.executable, peers), names)]
    for process in processes:
        assert process.stdout.readline() == "ready\n", "the library could not be started"
    speeds: list[tuple[float, ...]] = []
    for _ in range(RUNS):
        one = []
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
            one.append(float(process.stdout.readline()))
        speeds.append(tuple(one))
        print(f"  course {one[0]:6.0f} images/s   PyTorch {one[1]:6.0f} images/s", flush=True)
    for process in processes:
        process.stdin.close()
        process.wait()
    ours, theirs = (statistics.median(column) for column in zip(*speeds))
    ratio = statistics.median(one[0] / one[1] for one in speeds)
    print(f"{what}: course {ours:.0f}, PyTorch {theirs:.0f} images/s, ratio {ratio:.2f} (median of {RUNS})")


def trained_detector(folder: Path):
    """A DenseNet trained on faces (real ones with COURSE_DATA), and 50 test faces that it gets right."""
    from utils import data, networks, session, training

    session.start(0)
    faces = data.load("faces", train=4000)
    model = networks.DenseNet()
    training.fit(model, faces, epochs=5)
    logits = training.predict(model, faces.x_test)
    right = np.flatnonzero(logits.argmax(1) == faces.y_test)[:50]
    training.export(model, folder / "model")
    np.savez(folder / "faces.npz", x=faces.x_test[right], y=faces.y_test[right])
    return model, faces.x_test[right], faces.y_test[right]


def bench_attack(peers: str, folder: Path) -> None:
    from utils import attacks

    model, x, y = trained_detector(folder)
    attacks.dx_attack(model, x, y)  # compilation is not counted
    start = time.perf_counter()
    found = attacks.dx_attack(model, x, y)
    seconds = time.perf_counter() - start
    saved = attacks.smallest_8bit(model, x, y, found.dx)
    done = subprocess.run([peers, __file__, "foolbox", str(folder)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    peer = json.loads(done.stdout.splitlines()[-1])
    print(f"attack: course {seconds:.1f} s, success {found.success.mean():.0%}, median L2 {np.median(found.norms['L2']):.4f}, "
          f"in 8 bits {saved.success.mean():.0%} and {np.median(saved.norms['L2']):.4f}")
    print(f"        Foolbox DDN {peer['seconds']:.1f} s, success {peer['success']:.0%}, median L2 {peer['median']:.4f}; "
          f"ratio of the medians {np.median(found.norms['L2']) / peer['median']:.3f}, "
          f"in 8 bits {np.median(saved.norms['L2']) / peer['median']:.3f}")


def run_foolbox(folder: Path) -> None:
    """Foolbox's DDN of 200 steps on the exported detector, which runs in the course's TensorFlow."""
    # Foolbox 3.3.4 asks NumPy for a function that NumPy 2 no longer has.
    np.find_common_type = lambda arrays, scalars: np.result_type(*arrays, *scalars)
    sys.path.append(os.environ["COURSE_PACKAGES"])
    import foolbox
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / "model"))
    stored = np.load(folder / "faces.npz")
    x, y = tf.constant(stored["x"]), tf.constant(stored["y"])
    model = foolbox.TensorFlowModel(lambda images: loaded(images), bounds=(0, 1), device="/cpu:0")
    start = time.perf_counter()
    _, modified, success = foolbox.attacks.DDNAttack(steps=200)(model, x, y, epsilons=None)
    seconds = time.perf_counter() - start
    sizes = tf.norm(tf.reshape(modified - x, [len(x), -1]), axis=1).numpy()[success.numpy()]
    print(json.dumps({"seconds": seconds, "success": float(success.numpy().mean()), "median": float(np.median(sizes))}))


def main() -> None:
    import tempfile

    import sklearn

    os.environ["TQDM_DISABLE"] = "1"
    peers = os.environ["COURSE_PEERS"]
    os.environ["COURSE_PACKAGES"] = str(Path(sklearn.__file__).parents[1])
    bench_training(peers, "training", ("tensorflow", "torch"))
    bench_training(peers, "gan", ("tensorflow_gan", "torch_gan"))
    with tempfile.TemporaryDirectory() as folder:
        bench_attack(peers, Path(folder))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "foolbox":
        run_foolbox(Path(sys.argv[2]))
    else:
        serve({"tensorflow": tensorflow_trainer, "torch": torch_trainer, "tensorflow_gan": tensorflow_gan_trainer,
               "torch_gan": torch_gan_trainer}[sys.argv[1]])
