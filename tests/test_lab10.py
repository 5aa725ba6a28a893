"""Lab 10: what the checks measure, against independent truth."""
import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from utils import checks, filters
from utils.checks import lab10
from utils.data import load


@pytest.mark.parametrize("noise", ["rng.normal(0, sigma, x.shape)", "rng.normal(0, sigma**0.5, x.shape)",
                                   "rng.normal(0.02 * sigma, sigma, x.shape)", "rng.uniform(-sigma, sigma, x.shape)"])
def test_of_noise_without_the_seed_it_is_always_said_that_the_seed_is_missing(noise):
    """Whatever else is wrong with it: what is measured on such noise is luck, and would choose the sentence."""
    for start in range(5):
        known = {"np": np, "rng": np.random.default_rng(start), "__name__": "notebook"}
        exec(f"def noisy_pairs(x, sigma, seed):\n    return np.clip(x + {noise}, 0, 1), x", known)
        with pytest.raises(checks.CheckFailed, match="The same seed gives other noise"):
            lab10.pairs(known["noisy_pairs"])


def test_gaussian_noise_of_any_generator_passes():
    for start in range(50):
        def noisy_pairs(x, sigma, seed):
            return np.clip(x + np.random.default_rng([start, seed]).normal(0, sigma, x.shape), 0, 1), x

        lab10.pairs(noisy_pairs)


def test_error_of_pca_is_that_of_scikit_learn():
    digits = load("digits")
    x, x_test = (images.reshape(len(images), -1).astype(np.float64)
                 for images in (digits.x_train, digits.x_test))
    fitted = PCA(10, svd_solver="full").fit(x)
    images = fitted.inverse_transform(fitted.transform(x_test))
    error = ((images - x_test)**2).sum(axis=1).mean()
    assert lab10.pca_error(digits, 10, digits.x_test) == pytest.approx(error, rel=1e-4)


def test_smoothed_is_the_best_gaussian_filter_of_unit_01_and_the_best_line():
    clean = load("digits").x_test[:20]
    noisy, found = lab10.noise(clean, 0.5), []
    for sigma in np.arange(0.5, 2.01, 0.25):
        smooth = np.stack([filters.same_padded(image[..., 0], filters.gaussian(17, sigma, dims=2)) for image in noisy])
        line = stats.linregress(smooth.ravel(), clean.ravel())
        found.append(lab10.ratio(np.clip(line.intercept + line.slope * smooth, 0, 1)[..., None], clean))
    assert lab10.ratio(lab10.smoothed(noisy, clean), clean) == pytest.approx(max(found), abs=0.01)


def test_one_digit_is_missing_from_each_of_the_three_sets():
    digits = load("digits")
    for letter, images in lab10.nine_digits(digits).items():
        seen = {image.tobytes() for image in images}
        found = {label for image, label in zip(digits.x_train, digits.y_train) if image.tobytes() in seen}
        assert found == set(range(10)) - {lab10.MISSING[letter]}


def test_a_task_half_done_is_said_to_be_unwritten():
    def psnr(x, y):
        raise NotImplementedError

    with pytest.raises(checks.CheckFailed, match="psnr is not written yet"):
        lab10.decibels(psnr)
