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

    success is the fraction of the images that fool the model, size the median of `norm` over those, in pixel values (NaN
    if there are none). Plot size and success against lam, or success against size. Raises ValueError as `dx_attack`.
    """
    results = [dx_attack(model, x, labels, lam=lam, norm=norm, targeted=targeted, **options) for lam in lams]
    sizes = [np.median(one.norms[norm][one.success]) if one.success.any() else np.nan for one in results]
    return {"lam": np.array(lams), "success": np.array([one.success.mean() for one in results]), "size": np.array(sizes)}
