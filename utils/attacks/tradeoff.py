"""The price of a small perturbation: what each lambda gives in success, and takes in size."""
import numpy as np

from utils.attacks.dx import dx_attack
from utils.attacks.inputs import Model


def tradeoff(model: Model, x: np.ndarray, labels: np.ndarray, lams: list[float], *, norm: str = "L2",
             targeted: bool = False, **options) -> dict[str, np.ndarray]:
    """`dx_attack` once for each weight of the penalty: {"lam", "success", "size"}, one number for each in `lams`.

    success is the share of the images that fool the model, size the median of `norm` over those (NaN if there are none).
    `options` go to `dx_attack`. Plot size and success against lam, or success against size.
    """
    results = [dx_attack(model, x, labels, lam=lam, norm=norm, targeted=targeted, **options) for lam in lams]
    sizes = [np.median(one.norms[norm][one.success]) if one.success.any() else np.nan for one in results]
    return {"lam": np.array(lams), "success": np.array([one.success.mean() for one in results]), "size": np.array(sizes)}
