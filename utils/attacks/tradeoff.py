"""The price of a small perturbation: what each lambda gives in success, and takes in size."""
from typing import Any

import numpy as np

from utils.attacks.dx import dx_attack
from utils.attacks.inputs import Model


def tradeoff(model: Model, x: np.ndarray, labels: np.ndarray, lams: list[float], *, norm: str = "L2",
             targeted: bool = False, **options: Any) -> dict[str, np.ndarray]:
    """`dx_attack` once for each weight of the penalty: {"lam", "success", "size"}, one number for each in `lams`.

    x        images [N, H, W, C] in [0, 1], with labels [N]
    lams     weights of the penalty, 0 or more
    options  go to `dx_attack`

    Judged is the dx of the last step, where the objective is smallest. success is the fraction of the images that fool the model;
    size the median of `norm` over all images, in pixel values, whether they fool it or not: for each lambda over the same images.
    A median over those that fool the model alone would be over other, easier images for each lambda (survivorship). Raises
    ValueError as `dx_attack`.
    """
    results = [dx_attack(model, x, labels, lam=lam, norm=norm, targeted=targeted, last=True, **options) for lam in lams]
    return {"lam": np.array(lams), "success": np.array([one.success.mean() for one in results]),
            "size": np.array([np.median(one.norms[norm]) for one in results])}
