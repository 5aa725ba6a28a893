"""Right answers of lab 01 in other forms than the solution: each must pass."""
RIGHT = {
    "convolve_1d": [
        ("sums of slices", """
def convolve_1d(x, w):
    return [sum(x[i:i + len(w)] * w) for i in range(len(x) - len(w) + 1)]
"""), ("shifted arrays", """
def convolve_1d(x, w):
    n = len(x) - len(w) + 1
    y = np.zeros(n)
    for j, weight in enumerate(w):
        y = y + weight * x[j:j + n]
    return y
""")],
    "convolve_2d": [
        ("four loops", """
def convolve_2d(x, w):
    y = np.zeros([x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1])
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            for a in range(w.shape[0]):
                for b in range(w.shape[1]):
                    y[i, j] += w[a, b] * x[i + a, j + b]
    return y
"""), ("lists of np.vdot", """
def convolve_2d(x, w):
    return [[np.vdot(x[i:i + len(w), j:j + len(w[0])], w) for j in range(len(x[0]) - len(w[0]) + 1)]
            for i in range(len(x) - len(w) + 1)]
"""), ("rows by a convolve of one's own", """
def convolve(x, w):
    places = range(len(x) - len(w) + 1)
    if x.ndim == 1:
        return np.array([x[i:i + len(w)] @ w for i in places])
    return np.array([sum(convolve(x[i + a], w[a]) for a in range(len(w))) for i in places])

def convolve_2d(x, w):
    return [sum(convolve(x[i + a], w[a]) for a in range(len(w))) for i in range(len(x) - len(w) + 1)]
""")],
    "convolve": [
        ("tensordot", """
def convolve(x, w):
    return np.tensordot(sliding_window_view(x, w.shape), w, axes=w.ndim)
"""), ("np.ndindex", """
def convolve(x, w):
    y = np.empty([d - k + 1 for d, k in zip(x.shape, w.shape)])
    for place in np.ndindex(y.shape):
        y[place] = (x[tuple(slice(i, i + k) for i, k in zip(place, w.shape))] * w).sum()
    return y
"""), ("calls itself, and has the name of NumPy's", """
def convolve(x, w):
    places = range(len(x) - len(w) + 1)
    if x.ndim == 1:
        return np.array([x[i:i + len(w)] @ w for i in places])
    return np.array([sum(convolve(x[i + a], w[a]) for a in range(len(w))) for i in places])
""")],
    "zero_padded": [
        ("into the middle of zeros", """
def zero_padded(x, w):
    a, b = w.shape[0] // 2, w.shape[1] // 2
    larger = np.zeros([len(x) + 2 * a, len(x[0]) + 2 * b])
    larger[a:a + len(x), b:b + len(x[0])] = x
    return larger
"""), ("stacked", """
def zero_padded(x, w):
    a, b = int((w.shape[0] - 1) / 2), int((w.shape[1] - 1) / 2)
    x = np.hstack([np.zeros([len(x), b]), x, np.zeros([len(x), b])])
    return np.vstack([np.zeros([a, x.shape[1]]), x, np.zeros([a, x.shape[1]])])
""")],
    "gaussian": [
        ("outer product; root of the mean square", """
def gaussian(k, sigma):
    bell = np.exp(-0.5 * ((np.arange(k) - k // 2) / sigma)**2)
    return np.outer(bell, bell) / bell.sum()**2

def best_sigma(clean, blurred, sigmas):
    rmse = np.sqrt(((blurred - clean)**2).mean(axis=(1, 2)))
    return sigmas[rmse.argmin()], -20 * np.log10(rmse.min())
"""), ("loops; the largest of a generator, a list", """
def gaussian(k, sigma):
    w = [[np.exp(-((a - k // 2)**2 + (b - k // 2)**2) / (2 * sigma**2)) for b in range(k)] for a in range(k)]
    return np.array(w) / np.sum(w)

def best_sigma(clean, blurred, sigmas):
    psnr, sigma = max((-10 * np.log10(np.square(clean - picture).mean()), sigma) for picture, sigma in zip(blurred, sigmas))
    return [sigma, psnr]
"""), ("SciPy's density; root of the mean square", """
from scipy.stats import multivariate_normal

def gaussian(k, sigma):
    places = np.moveaxis(np.mgrid[:k, :k], 0, -1) - k // 2
    w = multivariate_normal(cov=sigma**2 * np.eye(2)).pdf(places)
    return w / w.sum()

def best_sigma(clean, blurred, sigmas):
    rmse = np.sqrt(((blurred - clean)**2).mean(axis=(1, 2)))
    return sigmas[rmse.argmin()], -20 * np.log10(rmse.min())
""")],
    "match": [
        ("np.corrcoef", """
def normalised_match(x, pattern):
    h, w = pattern.shape
    return np.array([[np.corrcoef(x[i:i + h, j:j + w].ravel(), pattern.ravel())[0, 1]
                      if x[i:i + h, j:j + w].var() * pattern.size > 1e-9 else 0
                      for j in range(x.shape[1] - w + 1)] for i in range(x.shape[0] - h + 1)])
"""), ("all windows at once", """
def normalised_match(x, pattern):
    a = sliding_window_view(x, pattern.shape)
    a = a - a.mean(axis=(2, 3), keepdims=True)
    p, squares = pattern - pattern.mean(), (a**2).sum(axis=(2, 3))
    return np.where(squares < 1e-9, 0, (a * p).sum(axis=(2, 3)) / np.sqrt(np.maximum(squares, 1e-9) * (p**2).sum()))
""")],
    "edges": [
        ("complex numbers", """
def edges(x):
    gradient = convolved(x, SOBEL) + 1j * convolved(x, SOBEL.T)
    return np.abs(gradient), np.angle(gradient)
"""), ("SciPy's Sobel, direction from 0 to 2 pi", """
def edges(x):
    right = ndimage.sobel(x, axis=1)[1:-1, 1:-1] / 8
    down = ndimage.sobel(x, axis=0)[1:-1, 1:-1] / 8
    return (right**2 + down**2)**0.5, np.arctan2(down, right) % (2 * np.pi)
""")],
    "town": [
        ("one filter; normal equations", """
def long_verticals(x, length):
    both = np.array([np.sum([SOBEL[i - j] for j in range(length) if 0 <= i - j < 3], axis=0) for i in range(length + 2)])
    return np.mean(np.abs(convolved(x, both / length)))

def line(features, labels):
    a = np.c_[features, np.ones(len(features))]
    return np.linalg.inv(a.T @ a) @ a.T @ labels
"""), ("means of slices; pseudoinverse, a list", """
def long_verticals(x, length):
    e = convolved(x, SOBEL)
    return np.mean([np.abs(e[i:i + length].mean(axis=0)) for i in range(len(e) - length + 1)])

def line(features, labels):
    a = np.append(features, np.ones([len(features), 1]), axis=1)
    return list(np.linalg.pinv(a) @ labels)
""")],
}
