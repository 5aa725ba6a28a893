WRONG = {"tv": [("twice too much", "def total_variation(dx):\n    return 2 * np.abs(np.diff(dx, axis=1)).sum((1,2,3)) / dx[0].size"),
 ("shape", "def total_variation(dx):\n    return dx"), ("of utils", "total_variation = attacks.total_variation"), ("part of utils", "def total_variation(dx):\n    return attacks.total_variation(dx)")]}
