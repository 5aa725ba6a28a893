"""The tables of `course.py bench attacks`, from the rows that bench_attacks.py stores. NumPy is enough."""
import numpy as np

CLOSE = 1.02  # a peer within 2 % of the best norm counts as as good, and the fastest of these is the one to beat
OURS = "course minimal"


def optimality(sizes: np.ndarray, best: np.ndarray) -> float:
    """How near an attack comes to the best of all, 1 for each image's best: AttackBench (Cina et al. 2025).

    sizes, best [N]: the attack's distance to each image's adversarial one, and the smallest of all attacks. The area under
    robust accuracy against distance, from 0 to where the best attack leaves none robust, is the mean of the distances, cut
    there. The optimality is 1 - (area - best area) / (clean accuracy * largest distance - best area), clean accuracy 1 here.
    """
    largest = best.max()
    area, best_area = np.minimum(sizes, largest).mean(), best.mean()
    return float(1 - (area - best_area) / (largest - best_area)) if largest > best_area else float(np.allclose(area, best_area))


def smallest(rows: dict[str, dict]) -> np.ndarray:
    """The smallest distance that any attack found for each image [N]; an attack that saw fewer counts for these."""
    best = np.full(max(len(row["distances"]) for row in rows.values()), np.inf)
    for row in rows.values():
        best[:len(row["distances"])] = np.minimum(best[:len(row["distances"])], row["distances"])
    return best


def ratio(ours: dict, peer: dict) -> float:
    """Our median over the peer's, on the images that both saw."""
    common = min(len(ours["distances"]), len(peer["distances"]))
    theirs = np.median(peer["distances"][:common])
    return float(np.median(ours["distances"][:common]) / theirs) if theirs else float("inf")


def target(rows: dict[str, dict]) -> str:
    """The line that says whether the course's attack meets its target: median at most the best peer's, in half the time.

    The best peer is the one with the largest `ratio`. Times are warm and per image, since some peers saw fewer images.
    """
    peers = {peer: row for peer, row in rows.items() if not peer.startswith("course ")}
    if OURS not in rows or not peers:
        return f"target: cannot be told, {OURS} or all of the peers are missing"
    ours = rows[OURS]
    ratios = {peer: ratio(ours, row) for peer, row in peers.items()}
    best = max(ratios, key=ratios.__getitem__)
    seconds = {peer: row["warm_s"] / row["images"] for peer, row in peers.items() if ratios[peer] * CLOSE >= ratios[best]}
    fastest = min(seconds, key=seconds.__getitem__)
    in_time = ours["warm_s"] / ours["images"] / seconds[fastest]
    met = "met" if ratios[best] <= 1 and in_time <= 0.5 else "missed"
    return (f"target {met}: {OURS}'s median is {ratios[best]:.3f} of {best}'s (at most 1.00); its warm time is {in_time:.2f} of "
            f"{fastest}'s, the fastest within 2 % of the best (at most 0.50)")


def table(title: str, rows: dict[str, dict]) -> list[str]:
    """The lines of one network and norm, the best optimality first."""
    best = smallest(rows)
    lines = [f"{title}: {len(best)} images, median of each image's best {np.median(best):.4g}",
             f"  {'attack':<22} images success   median     mean optimality  cold s  warm s gradients/image  MB (+attack)  "
             "settings"]
    scores = {name: optimality(np.asarray(row["distances"]), best[:len(row["distances"])]) for name, row in rows.items()}
    for name in sorted(rows, key=lambda name: -scores[name]):
        row = rows[name]
        settings = ", ".join(f"{key}={value}" for key, value in row["settings"].items()) or "defaults"
        memory = f"{row['memory_mb']} (+{row['memory_mb'] - row['memory_before_mb']})"
        lines.append(f"  {name:<22} {row['images']:6d} {row['success']:7.0%} {row['median']:8.4g} {row['mean']:8.4g} "
                     f"{scores[name]:10.3f} {row['cold_s']:7.3g} {row['warm_s']:7.3g} {row['gradients']:15.0f} {memory:>13}  {settings}")
    return [*lines, "  " + target(rows), ""]


def tables(stored: dict[str, dict]) -> list[str]:
    """The lines of all tables, from {"network/norm/attack": row}. Seconds are processor seconds for all images of a row."""
    groups: dict[str, dict[str, dict]] = {}
    for key, row in stored.items():
        network, norm, attack = key.split("/")
        groups.setdefault(f"{network}, {norm}", {})[attack] = row
    return [line for title, rows in groups.items() for line in table(title, rows)]
