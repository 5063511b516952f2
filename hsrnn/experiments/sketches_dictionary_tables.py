"""Tables of ``sketches.dictionary``, made from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from hsrnn.ledger import Record, Table, group

from .claims import NOT_RUN, made_by, shown_of
from .sketches_slopes import Checks, mean, verdict

CLAIM = ("C5 unknown matrices are learnt from samples, level by level", "coupon curve; errors small below")
OFF = 0.03
DEEP = 0.95


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset recovery without noise and with it, the comparison with scikit-learn, one level
    down; then the claim."""
    shown = shown_of(records)
    made = []
    for preset, part in group(shown, lambda record: record.preset).items():
        made += [
            recovery_table(preset, part), noise_table(preset, part), peer_table(preset, part),
            level_table(preset, part),
        ]  # fmt: skip
    return [*made, claims_table([record for record in shown if record.preset == "desk"])]


def recovery_table(preset: str, records: Sequence[Record]) -> Table:
    """The share of blocks found beside the coupon collector's, over S, s, q and b."""
    rows = []
    for part in ("samples", "shape"):
        for cell in records[0].metrics[part]:
            where = {name: cell[name] for name in ("S", "s", "q", "b")}
            rows.append((
                *(f"{value:g}" for value in where.values()),
                mean(records, part, "blocks", **where).text(".3f"),
                f"{mean(records, part, 'predicted', **where).value:.3f}",
                f"{mean(records, part, 'spurious', **where).value:.1f}",
            ))  # fmt: skip
    config = records[0].config
    return Table(
        f"preset {preset}: blocks found of d = {config['dimension']}, {config['columns']} columns, no noise",
        ("samples", "active", "q", "b", "found", "predicted", "wrong blocks"),
        tuple(dict.fromkeys(rows)),
        f"Shares of the non-zero blocks. Predicted: coupons, one for each block. {made_by(records)}",
    )


def noise_table(preset: str, records: Sequence[Record]) -> Table:
    """Blocks found and error of decoded numbers, over noise."""
    rows = []
    for cell in records[0].metrics["noise"]:
        noise = cell["noise"]
        decoded = [c for r in records for c in r.metrics["noise"] if c["noise"] == noise and "rms" in c]
        rows.append((
            f"{noise:g}", mean(records, "noise", "blocks", noise=noise).text(".3f"),
            f"{mean(records, 'noise', 'spurious', noise=noise).value:.1f}",
            f"{mean(records, 'noise', 'support', noise=noise).value:.3f}",
            f"{sum(c['rms'] for c in decoded) / len(decoded):.4f}" if decoded else "-",
            f"{max(c['linf'] for c in decoded):.4f}" if decoded else "-",
        ))  # fmt: skip
    return Table(
        f"preset {preset}: the same with noise, {records[0].config['noise_samples']} samples",
        ("sd of noise", "found", "wrong blocks", "right support", "rms error", "largest error"),
        tuple(rows),
        "Support: samples whose active columns were all found, and no others; errors are of the numbers in "
        f"these. {made_by(records)}",
    )


def peer_table(preset: str, records: Sequence[Record]) -> Table:
    """Atoms found by reading blocks and by scikit-learn, at equal samples."""
    samples = dict.fromkeys(cell["S"] for cell in records[0].metrics["peer"])
    rows = [
        (
            str(count),
            *(mean(records, "peer", "atoms", S=count, learner=name).text(".3f")
              for name in ("blocks", "scikit-learn")),
            *(f"{mean(records, 'peer', 'seconds', S=count, learner=name).value:.2f}"
              for name in ("blocks", "scikit-learn")),
        )
        for count in samples
    ]  # fmt: skip
    d, b, columns, active = records[0].config["peer"]
    return Table(
        f"preset {preset}: columns found beside scikit-learn's DictionaryLearning",
        ("samples", "reading blocks", "scikit-learn", "seconds, blocks", "seconds, scikit-learn"),
        tuple(rows),
        f"d = {d}, b = {b}, q = 1/2, {columns} columns, {active} active, no noise. A column is found with a "
        "cosine of at least 0.99, up to sign and order. Reading blocks knows b and q and what a block says; "
        f"scikit-learn knows nothing but the number of columns. {made_by(records)}",
    )


def level_table(preset: str, records: Sequence[Record]) -> Table:
    """What is found of both matrices when x is itself a sum S z, by the density of the outer one."""
    rows = [
        (
            f"{cell['q']:g}",
            *(mean(records, "levels", name, q=cell["q"]).text(".3f")
              for name in ("outer", "numbers", "inner", "decoded")),
            f"{cell['predicted_outer']:.3f}", f"{cell['predicted_inner']:.3f}",
        )
        for cell in records[0].metrics["levels"]
    ]  # fmt: skip
    d, b, below_d, below_b = records[0].config["levels"]
    return Table(
        f"preset {preset}: one level down, y = R x and x = S z",
        ("q of R", "blocks of R", "numbers of x", "blocks of S", "samples z", "predicted R", "predicted S"),
        tuple(rows),
        f"R: d = {d}, b = {b}; S: d = {below_d}, b = {below_b}; shares found. A block of R that another "
        f"number of its inner block covers stays covered: (1-q)^{below_b - 1}. {made_by(records)}",
    )


def claims_table(desk: Sequence[Record]) -> Table:
    """The claim C5 and a verdict."""
    if not desk:
        row = (*CLAIM, NOT_RUN, "not tested")
    else:
        measured, checks = learnt(desk)
        row = (*CLAIM, measured, verdict(desk, checks))
    return Table(
        "Claim on learning the matrices",
        ("claim", "theory", "ours (desk)", "verdict"),
        (row,),
        f"Holds: without noise every mean share of blocks is within {OFF:g} of the coupon curve and no block "
        "is wrong; one level down, at the smallest q, blocks of the inner matrix and decoded samples are at "
        f"least {DEEP:g}. Partly: at least half of these checks.",
    )


def learnt(records: Sequence[Record]) -> tuple[str, Checks]:
    """C5: distance from the coupon curve, wrong blocks, and the level below."""
    checks, off = {}, []
    for part in ("samples", "shape"):
        for cell in records[0].metrics[part]:
            where = {name: cell[name] for name in ("S", "s", "q", "b")}
            gap = (
                mean(records, part, "blocks", **where).value - mean(records, part, "predicted", **where).value
            )
            off.append(abs(gap))
            checks[", ".join(f"{name} = {value:g}" for name, value in where.items())] = off[-1] <= OFF
        checks[f"no wrong block ({part})"] = mean(records, part, "spurious").value == 0.0
    q = min(records[0].config["level_densities"])
    below = {name: mean(records, "levels", name, q=q).value for name in ("inner", "decoded")}
    for name, value in below.items():
        checks[f"one level down, {name}"] = value >= DEEP
    measured = (
        f"off the coupon curve by {max(off):.3f} at most; one level down {below['inner']:.3f} of the blocks, "
        f"{below['decoded']:.3f} of the samples"
    )
    return measured, checks
