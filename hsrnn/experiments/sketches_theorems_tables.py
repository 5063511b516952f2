"""Tables of ``sketches.theorems``, made from the ledger. The body of the paper could not be read, so nothing
is compared with numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import erf, sqrt

import numpy as np

from hsrnn.ledger import Record, Table, group

from .claims import NOT_RUN, made_by, shown_of
from .sketches_slopes import Checks, Fit, cells, mean, ratio, slope, unbiased, verdict

CLAIMS = {
    "C1": (
        "C1 attributes come back with an error that falls with the root of d",
        "T1: d^-1/2, w^-1, unbiased",
    ),
    "C2": ("C2 related sketches are told from unrelated ones", "T2: d^-1/2; |s-s'| <= eps/2 always"),
    "C3": ("C3 counts and means can be read", "T3: error ~ 1/(w sqrt d)"),
    "C4": ("C4 erasing is graceful, whatever is erased", "T4: f^-1/2"),
    "C6": ("C6 related sketches are found, and a new concept is a cluster", "no number"),
}
WIDE, CLEAR = 1.25, 4.0  # measured over predicted; sds of unrelated scenes from which they must be told apart
GOOD, SEPARATED = 0.9, 0.95
ROUNDING = 0.05
FLOAT32 = 1e-4
Slopes = dict[str, tuple[float, Fit, Fit | None]]
DECODERS = ("oblivious", "paths", "least squares", "pursuit")


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset slopes, decoders, counts, similarity, neighbours; then the claims."""
    shown = shown_of(records)
    made = []
    for preset, part in group(shown, lambda record: record.preset).items():
        made += [
            slope_table(preset, part), decoder_table(preset, part), count_table(preset, part),
            similarity_table(preset, part), neighbour_table(preset, part),
        ]  # fmt: skip
    return [*made, claims_table([record for record in shown if record.preset == "desk"])]


def slopes(records: Sequence[Record]) -> Slopes:
    """Return what is measured against what -> the theory's slope, the fitted one, and measured over predicted
    error."""
    config = records[0].config
    made: Slopes = {}

    def add(name: str, theory: float, part: str, x: str, y: str = "rms", bars: bool = True, **where) -> None:
        beside = ratio(records, part, y, "predicted", **where) if bars else None
        made[name] = theory, slope(records, part, x, y, **where), beside

    for decoder, told in (("oblivious", "path not known"), ("paths", "path known")):
        for depth in config["depths"]:
            add(f"attributes, depth {depth}, {told}: d", -0.5, "recovery", "d", depth=depth, decoder=decoder)
    add(f"attributes, one level, {config['scene']} objects: d", -0.5, "objects", "d", k=config["scene"])
    add("attributes, one level: number of objects", 0.5, "objects", "k", d=config["fixed"])
    made["attributes in units of |s|/sqrt(d): weight"] = -1.0, _weight_slope(records), None
    add("counts: d", -0.5, "count", "d")
    add("means: d", -0.5, "count", "d", "mean_rms", bars=False)
    made["unrelated inner products: d"] = (
        -0.5, slope(records, "similarity", "d", "apart_rms"),
        ratio(records, "similarity", "apart_rms", "predicted_sd"),
    )  # fmt: skip
    for how in ("prefix", "random"):
        add(f"attributes, {how} erased: kept share", -0.5, "erasure", "f", how=how)
    for family in dict.fromkeys(cell["family"] for cell in records[0].metrics["families"]):
        add(f"attributes, {family} matrices: d", -0.5, "families", "d", family=family)
    return made


def _weight_slope(records: Sequence[Record]) -> Fit:
    """Return the slope over w of the error in units of |s| / sqrt(d)."""
    scaled = []
    for record in records:
        parts = [{**cell, "rms": cell["rms"] / cell["scale"]} for cell in record.metrics["weight"]]
        scaled.append(Record(**{**vars(record), "metrics": {"weight": parts}}))
    return slope(scaled, "weight", "w", "rms")


def slope_table(preset: str, records: Sequence[Record]) -> Table:
    """Each fitted slope beside the theory's, and measured over predicted error."""
    rows = [
        (name, f"{theory:+g}", fit.text(), "-" if beside is None else beside.text(".2f"))
        for name, (theory, fit, beside) in slopes(records).items()
    ]
    return Table(
        f"preset {preset}: slopes in a log-log plot",
        ("error of, against", "theory", "slope", "measured / predicted"),
        tuple(rows),
        "Root mean square errors over seeds; intervals of 95 % by drawing whole seeds anew. Predicted: the "
        f"error bars that come with the answers. {made_by(records)}",
    )


def decoder_table(preset: str, records: Sequence[Record]) -> Table:
    """Root mean square errors of the four decoders by depth, at the largest d that all of them read."""
    config = records[0].config
    d = max(d for d in config["dimensions"] if d <= config["solve_up_to"])
    rows = []
    for depth in config["depths"]:
        found = []
        for decoder in DECODERS:
            part = [
                c["rms"] for r in records for c in cells(r, "recovery", d=d, depth=depth, decoder=decoder)
            ]
            found.append(f"{np.sqrt(np.mean(np.square(part))):.2g}")
        rows.append((str(depth), str(2 ** (depth + 1) - 1), *found))
    return Table(
        f"preset {preset}: error of the deepest objects' attributes by depth, d = {d}",
        ("depth", "objects", "path not known", "path known", "least squares", "pursuit"),
        tuple(rows),
        f"Root mean square over all seeds; attribute vectors have length 1 and {config['sparse']} of "
        f"{config['attributes']} numbers that are not 0. {made_by(records)}",
    )


def count_table(preset: str, records: Sequence[Record]) -> Table:
    """Counting errors and how often rounding is exact, beside the prediction."""
    config = records[0].config
    rows = []
    for n in config["counted"]:
        for d in config["dimensions"]:
            exact, expected = exact_rates(records, d, n)
            error, bar = (
                np.sqrt(np.mean([cell[name] ** 2 for r in records for cell in cells(r, "count", d=d, n=n)]))
                for name in ("rms", "predicted")
            )
            rows.append((
                str(n), str(d), f"{error:.3f}", f"{bar:.3f}", exact.text(".3f"), f"{expected:.3f}",
            ))  # fmt: skip
    return Table(
        f"preset {preset}: counting {config['scene']} objects of equal weight, n of each module",
        ("n", "d", "error", "predicted error", "rounds to n", "predicted share"),
        tuple(rows),
        f"The predicted share takes errors as normal with the predicted size. {made_by(records)}",
    )


def exact_rates(records: Sequence[Record], d: int, n: int) -> tuple[Fit, float]:
    """Return how often rounding is exact, and the share that normal errors of the predicted size give."""
    bars = [cell["predicted"] for r in records for cell in cells(r, "count", d=d, n=n)]
    expected = float(np.mean([erf(0.5 / bar / sqrt(2)) for bar in bars]))
    return mean(records, "count", "exact", d=d, n=n), expected


def similarity_table(preset: str, records: Sequence[Record]) -> Table:
    """Inner products with and without a shared module, and how well they are told apart."""
    rows = []
    for cell in records[0].metrics["similarity"]:
        where = {"d": cell["d"], "k": cell["k"]}
        rows.append((
            f"1/{cell['k']}", str(cell["d"]),
            f"{mean(records, 'similarity', 'related_mean', **where).value:.2e}",
            f"{mean(records, 'similarity', 'predicted_mean', **where).value:.2e}",
            f"{mean(records, 'similarity', 'predicted_sd', **where).value:.2e}",
            mean(records, "similarity", "auc", **where).text(".3f"),
        ))  # fmt: skip
    worst = ", ".join(f"{name} {value:.3f}" for name, value in farthest(records).items())
    return Table(
        f"preset {preset}: inner products of scenes that share one module",
        ("w = w'", "d", "mean", "predicted mean", "sd of unrelated ones", "area under the ROC curve"),
        tuple(rows),
        "AUC: related against unrelated pairs of scenes. Near-identical scenes: the largest distance between "
        f"sketches, divided by eps/2, was {worst}. {made_by(records)}",
    )


def farthest(records: Sequence[Record]) -> dict[str, float]:
    """Return for each family the largest |s - s'| / (eps / 2) of any seed (T2.iii)."""
    found: dict[str, float] = {}
    for record in records:
        for cell in record.metrics["change"]:
            found[cell["family"]] = max(found.get(cell["family"], 0.0), cell["worst"])
    return found


def neighbour_table(preset: str, records: Sequence[Record]) -> Table:
    """Neighbours of a kind, agreement of clusters, the new concept, and signatures."""
    rows = [
        (
            str(d),
            *(mean(records, "concepts", name, d=d).text(".3f") for name in ("recall", "ari", "new")),
            mean(records, "signatures", "auc", d=d).text(".3f"),
        )
        for d in records[0].config["small"]
    ]
    config = records[0].config
    return Table(
        f"preset {preset}: {config['classes']} kinds of scenes, the last one without a name",
        ("d", "of ten neighbours, of the kind", "ARI of clusters", "new concept found", "same object, AUC"),
        tuple(rows),
        "New concept found: the nameless cluster and the nameless kind, common members over all members. "
        f"Same object: the signature of the object that is there against another one's. {made_by(records)}",
    )


def claims_table(desk: Sequence[Record]) -> Table:
    """The claims C1 to C4 and C6, and a verdict on each."""
    if not desk:
        rows = [(*names, NOT_RUN, "not tested") for names in CLAIMS.values()]
    else:
        fits = slopes(desk)
        judges: dict[str, Callable[[Sequence[Record], Slopes], tuple[str, Checks]]] = {
            "C1": attributes, "C2": related, "C3": counts, "C4": erased, "C6": found,
        }  # fmt: skip
        rows = []
        for key, names in CLAIMS.items():
            measured, checks = judges[key](desk, fits)
            rows.append((*names, measured, verdict(desk, checks)))
    return Table(
        "Claims on what a sketch remembers",
        ("claim", "theory", "ours (desk)", "verdict"),
        tuple(rows),
        "Holds: every check passes; partly: at least half of them. C1, C3, C4: each slope within 0.05 of the "
        "theory's, no answer with a mean error beyond 4 standard errors (C1), measured over predicted error "
        f"of counts within a factor {WIDE:g} and exact rounding within {ROUNDING:g} of the predicted share "
        "(C3), prefix and random erasure within 5 % of each other (C4). C2: slope of unrelated inner "
        f"products, AUC of at least {SEPARATED:g} wherever the predicted mean is {CLEAR:g} sds, and no "
        f"distance above eps/2 with orthonormal matrices. C6, at the largest d: neighbours at least "
        f"{SEPARATED:g}, clusters and new concept at least {GOOD:g}.",
    )


def _near(fits: Slopes, begins: tuple[str, ...]) -> tuple[dict[str, bool], str]:
    """Check the slopes whose names begin so; and write the range of them."""
    chosen = {name: one for name, one in fits.items() if name.startswith(begins)}
    values = [fit.value for theory, fit, _ in chosen.values() if theory == -0.5]
    told = f"slopes {min(values):+.3f} to {max(values):+.3f}" if values else ""
    return {f"slope of {name}": fit.near(theory) for name, (theory, fit, _) in chosen.items()}, told


def attributes(records: Sequence[Record], fits: Slopes) -> tuple[str, Checks]:
    """C1: slopes over d at every depth, over weight and number of objects, and no bias."""
    checks, told = _near(fits, ("attributes, depth", "attributes, one level", "attributes in units"))
    for part in ("recovery", "objects", "weight"):
        checks[f"{part} unbiased"] = unbiased(
            [_projected(record) for record in records] if part == "recovery" else records, part
        )
    weight = fits["attributes in units of |s|/sqrt(d): weight"][1]
    return f"{told} over d; {weight.value:+.3f} over w", checks


def _projected(record: Record) -> Record:
    """Leave out of a record the decoders that solve a system, whose errors are those of rounding."""
    kept = [cell for cell in record.metrics["recovery"] if cell["decoder"] in DECODERS[:2]]
    return Record(**{**vars(record), "metrics": {"recovery": kept}})


def related(records: Sequence[Record], fits: Slopes) -> tuple[str, Checks]:
    """C2: slope of unrelated ones, AUC where theory says so, and T2.iii."""
    checks, told = _near(fits, ("unrelated",))
    clear = []
    for cell in records[0].metrics["similarity"]:
        where = {"d": cell["d"], "k": cell["k"]}
        middle, sd = (
            mean(records, "similarity", y, **where).value for y in ("predicted_mean", "predicted_sd")
        )
        if middle >= CLEAR * sd:
            clear.append(mean(records, "similarity", "auc", **where).value)
    for number, auc in enumerate(clear):
        checks[f"AUC of clear cell {number + 1}"] = auc >= SEPARATED
    worst = max(value for name, value in farthest(records).items() if name != "block")
    checks["T2.iii"] = worst <= 1.0 + FLOAT32
    least = f"AUC at least {min(clear):.3f} where it should be clear; " if clear else ""
    return (
        f"{told.replace('slopes', 'slope').split(' to ')[0]}; {least}distance at most {worst:.2f} eps/2",
        checks,
    )


def counts(records: Sequence[Record], fits: Slopes) -> tuple[str, Checks]:
    """C3: slopes of counts and means, their size, exact rounding."""
    checks, told = _near(fits, ("counts", "means"))
    config, off = records[0].config, []
    for n in config["counted"]:
        beside = ratio(records, "count", "rms", "predicted", n=n).value
        checks[f"size of errors, n = {n}"] = 1 / WIDE <= beside <= WIDE
        for d in config["dimensions"]:
            exact, expected = exact_rates(records, d, n)
            off.append(abs(exact.value - expected))
            checks[f"rounding at n = {n}, d = {d}"] = off[-1] <= ROUNDING
    return f"{told}; exact rounding off by {max(off):.3f} at most", checks


def erased(records: Sequence[Record], fits: Slopes) -> tuple[str, Checks]:
    """C4: slopes over the kept share, and prefix against random."""
    checks, told = _near(fits, ("attributes, prefix", "attributes, random"))
    both = [[c["rms"] for r in records for c in cells(r, "erasure", how=how) if c["f"] < 1]
            for how in ("prefix", "random")]  # fmt: skip
    beside = float(np.sqrt(np.mean(np.square(both[0])) / np.mean(np.square(both[1]))))
    checks["prefix like random"] = abs(beside - 1.0) <= 0.05
    return f"{told}; prefix over random {beside:.3f}", checks


def found(records: Sequence[Record], fits: Slopes) -> tuple[str, Checks]:
    """C6: neighbours, clusters and the new concept at the largest d."""
    d = max(records[0].config["small"])
    values = {name: mean(records, "concepts", name, d=d).value for name in ("recall", "ari", "new")}
    least = {"recall": SEPARATED, "ari": GOOD, "new": GOOD}
    measured = f"d = {d}: recall {values['recall']:.3f}, ARI {values['ari']:.3f}, new {values['new']:.3f}"
    return measured, {name: values[name] >= least[name] for name in values}
