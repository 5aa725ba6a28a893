"""The tables of `course.py bench attacks`, from the rows that bench_attacks.py stores. NumPy is enough."""
import numpy as np

CLOSE = 1.02  # a peer within 2 % of the best norm counts as as good, and the fastest of these is the one to beat
OURS = "course minimal"
SLOW = ("C&W", "EAD")  # of these a tenth of the time is the target
SETS = ("digits", "digits_1", "digits_2")  # three sets of images for one network, in the place of three seeds


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

    The best peer is the one with the largest `ratio`. Times are warm and per image, since some peers saw fewer images. Where
    there are rows of C&W or EAD, a tenth of the time of the faster one is part of the target.
    """
    peers = {peer: row for peer, row in rows.items() if not peer.startswith("course ")}
    if OURS not in rows or not peers:
        return f"target: cannot be told, {OURS} or all of the peers are missing"
    ours = rows[OURS]
    ratios = {peer: ratio(ours, row) for peer, row in peers.items()}
    best = max(ratios, key=ratios.__getitem__)
    in_time = {peer: ours["warm_s"] / ours["images"] / (row["warm_s"] / row["images"]) for peer, row in peers.items()}
    fastest = max((peer for peer in peers if ratios[peer] * CLOSE >= ratios[best]), key=in_time.__getitem__)
    slow = max((peer for peer in peers if peer.endswith(SLOW)), key=in_time.__getitem__, default=None)
    met = ratios[best] <= 1 and in_time[fastest] <= 0.5 and (slow is None or in_time[slow] <= 0.1)
    line = (f"target {'met' if met else 'missed'}: {OURS}'s median is {ratios[best]:.3f} of {best}'s (at most 1.00); its warm "
            f"time is {in_time[fastest]:.2f} of {fastest}'s, the fastest within 2 % of the best (at most 0.50)")
    return line + (f", and {in_time[slow]:.3f} of {slow}'s (at most 0.10)" if slow else "")


def over_sets(groups: dict[str, dict[str, dict]], norm: str) -> list[str]:
    """The line that says whether our median is within half a per cent of the best peer's in the mean of SETS, [] without rows.

    Of the peers that all sets have, the one that is best by the mean `ratio`. `groups` is {"network, norm": {attack: row}}.
    """
    sets = [groups.get(f"{network}, {norm}", {}) for network in SETS]
    peers = [peer for peer in sets[0] if not peer.startswith("course ") and all(peer in rows for rows in sets)]
    if not peers or not all(OURS in rows for rows in sets):
        return []
    ratios = {peer: [ratio(rows[OURS], rows[peer]) for rows in sets] for peer in peers}
    best = max(peers, key=lambda peer: np.mean(ratios[peer]))
    mean = np.mean(ratios[best])
    each = ", ".join(f"{one:.3f}" for one in ratios[best])
    return [f"{norm}, {len(SETS)} sets of digits: {OURS}'s median is {each} of {best}'s, in the mean {mean:.3f} (at most 1.005): "
            f"target {'met' if mean <= 1.005 else 'missed'}"]


def measured_with(rows: dict[str, dict]) -> str:
    """The line that says when, with which versions and on which machines rows were measured, as far as they say so."""
    dates = sorted({row["date"] for row in rows.values() if "date" in row})
    versions = sorted({f"{name} {number}" for row in rows.values() for name, number in row.get("versions", {}).items()})
    machines = sorted({row["machine"] for row in rows.values() if "machine" in row})
    return f"measured {' and '.join(dates) or 'on days unknown'}; {', '.join(versions) or 'versions unknown'}; " + (
        " and ".join(machines) or "machine unknown")


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
                     f"{scores[name]:10.3f} {row['cold_s']:7.3g} {row['warm_s']:7.3g} {row['gradients']:15.0f} {memory:>13}  "
                     f"{settings}")
    return [*lines, "  " + target(rows), "  " + measured_with(rows), ""]


def tables(stored: dict[str, dict]) -> list[str]:
    """The lines of all tables, from {"network/norm/attack": row}. Seconds are processor seconds for all images of a row."""
    groups: dict[str, dict[str, dict]] = {}
    for key, row in stored.items():
        network, norm, attack = key.split("/")
        groups.setdefault(f"{network}, {norm}", {})[attack] = row
    norms = dict.fromkeys(title.split(", ")[1] for title in groups)
    return [line for title, rows in groups.items() for line in table(title, rows)] + [
        line for norm in norms for line in over_sets(groups, norm)]
