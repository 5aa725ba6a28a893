"""The other libraries of `course.py bench attacks`. Runs in their environment (tests/peers.txt); to import it NumPy is enough.

    python bench_peers.py FILE ATTACK NORM IMAGES

FILE is what `bench_attacks.prepare` wrote: a network's weights, images, labels, logits. Prints a row of the table as JSON.
"""
import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench_measure import made_with, measured


class Attack(NamedTuple):
    """A peer: {norm: (function, settings)} of a library. Expensive ones see 20 images, some need more than two classes."""

    library: str
    by_norm: dict[str, tuple[str, dict[str, Any]]]
    images: int = 100
    classes: int = 2


def same(function: str, settings: dict[str, Any], by_norm: dict[str, dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """One function for several norms: the settings that all have, and those of each norm."""
    return {norm: (function, settings | own) for norm, own in by_norm.items()}


def named(settings: dict[str, Any], **functions: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """A function for each norm, with the same settings."""
    return {norm: (function, settings) for norm, function in functions.items()}


ORDER = {"L0": {"norm": 0}, "L1": {"norm": 1}, "L2": {"norm": 2}, "Linf": {"norm": float("inf")}}
FROM_L1 = {norm: ORDER[norm] for norm in ("L1", "L2", "Linf")}
ATTACKS = {
    "Foolbox DDN": Attack("foolbox", named({"steps": 1000}, L2="DDNAttack")),
    # The first step is the better of two on 20 digits, with adversarial-library: 1, the default, or .1 (L1, L2) or 10 (Linf).
    "Foolbox FMN": Attack("foolbox", {
        "L0": ("L0FMNAttack", {"steps": 1000}), "L1": ("L1FMNAttack", {"steps": 1000, "max_stepsize": 0.1}),
        "L2": ("L2FMNAttack", {"steps": 1000, "max_stepsize": 0.1}),
        "Linf": ("LInfFMNAttack", {"steps": 1000, "max_stepsize": 10.0})}),
    "Foolbox DeepFool": Attack("foolbox", named({"steps": 100}, L2="L2DeepFoolAttack", Linf="LinfDeepFoolAttack")),
    "Foolbox C&W": Attack("foolbox", named({"binary_search_steps": 9, "steps": 1000}, L2="L2CarliniWagnerAttack"), 20),
    "Foolbox EAD": Attack("foolbox", named({"binary_search_steps": 9, "steps": 1000, "decision_rule": "L1"}, L1="EADAttack"), 20),
    "Foolbox BB": Attack("foolbox", named({"steps": 1000}, L0="L0BrendelBethgeAttack", L1="L1BrendelBethgeAttack",
                                          L2="L2BrendelBethgeAttack", Linf="LinfinityBrendelBethgeAttack"), 20),
    "ART DeepFool": Attack("art", named({"max_iter": 100}, L2="DeepFool")),
    "ART C&W": Attack("art", {"L2": ("CarliniL2Method", {"binary_search_steps": 10, "max_iter": 100}),
                              "Linf": ("CarliniLInfMethod", {"max_iter": 100})}, 20),
    "ART EAD": Attack("art", named({"binary_search_steps": 9, "max_iter": 1000, "decision_rule": "L1"}, L1="ElasticNet"), 20),
    "ART JSMA": Attack("art", named({"theta": 1.0}, L0="SaliencyMapMethod"), 20),
    "adv-lib DDN": Attack("adv_lib", named({"steps": 1000, "levels": None}, L2="ddn")),  # 256 levels would round to 8 bits
    "adv-lib ALMA": Attack("adv_lib", same("alma", {"num_steps": 1000}, {
        "L1": {"distance": "l1", "init_lr_distance": 0.5, "α": 0.5},
        "L2": {"distance": "l2", "init_lr_distance": 0.1}}), classes=3),
    "adv-lib FMN": Attack("adv_lib", same("fmn", {"steps": 1000}, {
        "L0": {"norm": 0}, "L1": {"norm": 1, "α_init": 0.1}, "L2": {"norm": 2, "α_init": 0.1},
        "Linf": {"norm": float("inf"), "α_init": 10.0}})),
    "adv-lib PDPGD": Attack("adv_lib", same("pdpgd", {"num_steps": 1000}, ORDER | {"L0": {"norm": 0, "proximal_operator": 23}})),
    "adv-lib FAB": Attack("adv_lib", same("fab", {"n_iter": 100}, FROM_L1)),
    "adv-lib APGD-T": Attack("adv_lib", same("minimal_apgd", {"targeted_version": True, "binary_search_steps": 12}, {
        "L1": {"norm": 1, "max_eps": 40, "use_large_reps": True}, "L2": {"norm": 2, "max_eps": 5},
        "Linf": {"norm": float("inf"), "max_eps": 0.5}}), 20, classes=4),
    "adv-lib sigma-zero": Attack("adv_lib", named({"num_steps": 1000}, L0="sigma_zero")),
    "adv-lib VFGA": Attack("adv_lib", named({"targeted": False}, L0="vfga")),
    "adv-lib SuperDeepFool": Attack("adv_lib", named({}, L2="sdf")),
    "adv-lib TR": Attack("adv_lib", same("tr", {"iter": 1000, "adaptive": True}, {"L2": {"p": 2}, "Linf": {"p": float("inf")}})),
}


# The network in PyTorch ---------------------------------------------------------------------------------------------------

def torch_network(weights: list[np.ndarray]) -> Any:
    """The course's LeNet (10 arrays) or DenseNet (28), images [N, C, H, W] -> logits. `.gradients` counts them backwards."""
    import torch
    from torch import nn

    forward = {10: lenet, 28: densenet}[len(weights)]
    tensors = [torch.from_numpy(np.ascontiguousarray(one.transpose(3, 2, 0, 1) if one.ndim == 4 else one.T)) for one in weights]

    class Count(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            return x.view_as(x)

        @staticmethod
        def backward(context, gradient):
            network.gradients += len(gradient)
            return gradient

    class Network(nn.Module):
        gradients = 0

        def forward(self, x):
            return forward(tensors, Count.apply(x))

    network = Network().eval()
    return network


def lenet(weights: list, x: Any) -> Any:
    """Two VALID 5x5 convolutions with pooling, three dense layers: kernel, bias, kernel, bias, ..."""
    from torch.nn.functional import conv2d, linear, max_pool2d, relu

    for kernel, bias in zip(weights[0:4:2], weights[1:4:2]):
        x = max_pool2d(relu(conv2d(x, kernel, bias)), 2)
    x = x.permute(0, 2, 3, 1).flatten(1)  # TensorFlow's order
    for matrix, bias in zip(weights[4:8:2], weights[5:8:2]):
        x = relu(linear(x, matrix, bias))
    return linear(x, weights[8], weights[9])


def densenet(weights: list, x: Any) -> Any:
    """Four blocks (two convolutions, each concatenated to its input, pooling, reduction), two dense layers: bias, kernel, ..."""
    import torch
    from torch.nn.functional import conv2d, linear, max_pool2d, relu

    pairs = list(zip(weights[1::2], weights[0::2]))
    for i in range(0, 12, 3):
        for kernel, bias in pairs[i:i + 2]:
            x = torch.cat([x, relu(conv2d(x, kernel, bias, padding=1))], 1)
        x = relu(conv2d(max_pool2d(x, 2), *pairs[i + 2]))
    x = x.permute(0, 2, 3, 1).flatten(1)
    return linear(relu(linear(x, *pairs[12])), *pairs[13])


# The libraries ------------------------------------------------------------------------------------------------------------

def import_library(name: str) -> None:
    """Import it before the cold time is taken."""
    # adv-lib imports these two when it is loaded and needs neither for these attacks; Visdom cannot be built everywhere.
    for module, attribute in (("torchvision", "models"), ("visdom", "Visdom")):
        sys.modules.setdefault(module, types.SimpleNamespace(**{attribute: None}))
    importlib.import_module({"foolbox": "foolbox", "art": "art.attacks.evasion", "adv_lib": "adv_lib.attacks"}[name])


def foolbox(network: Any, x: Any, labels: Any, function: str, settings: dict[str, Any], others: Any) -> Any:
    import foolbox as library

    attack = getattr(library.attacks, function)(**settings)
    start = {"starting_points": others} if "BrendelBethge" in function else {}
    return attack(library.PyTorchModel(network, bounds=(0, 1), device="cpu"), x, labels, epsilons=None, **start)[1].numpy()


def art(network: Any, x: Any, labels: Any, function: str, settings: dict[str, Any], others: Any) -> Any:
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier
    from torch.nn import CrossEntropyLoss

    logits = network(x).numpy()
    classifier = PyTorchClassifier(network, CrossEntropyLoss(), tuple(x.shape[1:]), logits.shape[1], clip_values=(0, 1),
                                   device_type="cpu")
    attack = getattr(evasion, function)(classifier, batch_size=len(x), verbose=False, **settings)
    # JSMA needs a target: the second class.
    wanted = logits.argsort(1)[:, -2] if function == "SaliencyMapMethod" else labels.numpy()
    return attack.generate(x.numpy(), y=np.eye(logits.shape[1], dtype=np.float32)[wanted])


def adv_lib(network: Any, x: Any, labels: Any, function: str, settings: dict[str, Any], others: Any) -> Any:
    from adv_lib import attacks
    from adv_lib.attacks.auto_pgd import minimal_apgd

    attack = minimal_apgd if function == "minimal_apgd" else getattr(attacks, function)
    return attack(network, x.clone(), labels, **settings).detach().numpy()


def nearest_of_another_class(x: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """For each of the first `count` images the nearest (L2) of x with another label."""
    flat = x.reshape(len(x), -1)
    apart = ((flat[:count, None] - flat[None]) ** 2).sum(2)
    return x[np.where(labels[:count, None] == labels[None], np.inf, apart).argmin(1)]


def run(path: Path, name: str, norm: str, count: int) -> dict[str, Any]:
    """The row of one attack in one norm on the first `count` images."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    np.random.seed(0)
    with np.load(path) as stored:
        x, labels, logits = stored["x"], stored["labels"], stored["logits"]
        network = torch_network([stored[key] for key in sorted(stored) if key.startswith("network_")])

    def channels_first(images: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))

    apart = np.abs(network(channels_first(x)).detach().numpy() - logits).max()
    assert apart < 1e-4, f"the network in PyTorch gives logits that differ by {apart:.1e}"
    others = channels_first(nearest_of_another_class(x, labels, count))
    x, labels = x[:count], labels[:count]
    function, settings = ATTACKS[name].by_norm[norm]
    import_library(ATTACKS[name].library)
    library = {"foolbox": foolbox, "art": art, "adv_lib": adv_lib}[ATTACKS[name].library]
    calls = []

    def attack() -> np.ndarray:
        calls.append(network.gradients)
        return library(network, channels_first(x), torch.from_numpy(labels), function, settings, others).transpose(0, 2, 3, 1)

    row = measured(attack, lambda images: network(channels_first(images)).argmax(1).numpy(), x, labels, norm)
    package = {"foolbox": "foolbox", "art": "adversarial-robustness-toolbox", "adv_lib": "adv-lib"}[ATTACKS[name].library]
    return row | made_with("torch", "numpy", package) | {"gradients": round((calls + [network.gradients])[1] / count, 1)}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))))
