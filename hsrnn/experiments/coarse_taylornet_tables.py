"""Tables of ``coarse.taylornet``, made from the ledger: every network, and differences at equal budgets.

The paper's own numbers are not known to us, so no column is named after it. Verdicts on the claims, and how
far our own targets are away, stand in :mod:`hsrnn.experiments.coarse_taylornet_claims`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from hsrnn.ledger import Record, Summary, Table, group, summarise

from .claims import made_by, shown_of
from .coarse_networks import NAMES, Pool, Which, desk_pools, gap, pools, rival, scores, standard
from .coarse_taylornet import RIDGE
from .coarse_taylornet_claims import claims_table, targets_table


def tables(records: Sequence[Record]) -> list[Table]:
    """Return the data sets beside each other; accuracies and differences for each preset, data set and way to
    train; then targets and claims."""
    shown = shown_of(records)
    beside = overview_table(shown)
    made = [beside] if beside.rows else []
    for (preset, _), groups in pools(shown).items():
        for part, pool in groups:
            made += [accuracy_table(preset, part, pool), difference_table(preset, part, pool)]
    return [*made, targets_table(shown), claims_table(shown)]


def _title(preset: str, records: Sequence[Record]) -> str:
    return f"{records[0].metrics['dataset'].partition(':')[0]}, preset {preset}"


def _commands(records: Sequence[Record]) -> str:
    """Say how the records were made, for each of their settings."""
    return " ".join(made_by(part) for part in group(records, lambda r: json.dumps(r.config)).values())


def overview_table(records: Sequence[Record]) -> Table:
    """Test accuracy in per cent of the main networks, a column a data set; no rows without records."""
    columns, cells = [], {}
    for title, pool in desk_pools(records).items():
        ours, overlapping = (standard(pool, overlaps=overlaps) for overlaps in (False, True))
        columns.append(f"{title}, {ours.most:,}")
        found = {
            "TaylorNet, disjoint blocks": ours,
            "TaylorNet, overlapping blocks": overlapping,
            "TaylorNet, disjoint, no BatchNorm": ours._replace(norm="scale"),
            "TaylorNet, disjoint, order 1": ours._replace(order=1),
            **{name: rival(pool, ours, kind) for kind, name in NAMES.items()},
        }
        for name, which in found.items():
            runs = pool.get(which)
            cells.setdefault(name, []).append(summarise(scores(runs)).text(2) if runs else "-")
    rows = [(name, *texts) for name, texts in cells.items() if set(texts) != {"-"}]
    return Table(
        "Data sets beside each other: test accuracy, %, with as many parameters at most",
        ("network", *columns),
        tuple(rows),
        "Preset desk, mean ± standard deviation over seeds. A linear map has one size only.",
    )


def words(which: Which) -> tuple[str, str, str]:
    """Return kind, order and sharing, and normalisation of a network, for a table."""
    if which.kind != "taylor":
        return which.kind, "-", "-"
    sharing = {"level": "a level", "all": "all levels", "none": "nothing"}[which.sharing]
    norm = {"batch": "BatchNorm", "scale": "none"}[which.norm]
    return "TaylorNet", f"order {which.order}, shared by {sharing}", norm


def accuracy_table(preset: str, records: Sequence[Record], pool: Pool) -> Table:
    """Parameters and accuracies of every network, in per cent."""
    config = records[0].config
    rows = []
    for which, runs in pool.items():
        name, form, norm = words(which)
        size = f"{next(iter(runs.values()))['parameters']:,}"
        texts = [summarise(scores(runs, part)).text(2) for part in ("train", "valid", "test")]
        rows.append((name, form, which.blocks, norm, size, *texts))
    mirror = " and mirrored in half of the cases" if config["mirror"] else ""
    return Table(
        f"{_title(preset, records)}: accuracy, %",
        ("network", "form", "blocks", "normalised", "parameters", "train", "valid", "test"),
        tuple(rows),
        f"Mean ± standard deviation over seeds; {config['epochs']} epochs, pictures moved by up to "
        f"{config['shift']} pixels{mirror} in training. The validation part is carved from the training "
        f"part; nothing was chosen by the test part. {_commands(records)}",
    )


def difference_table(preset: str, records: Sequence[Record], pool: Pool) -> Table:
    """Differences of networks of equal budget in test accuracy, in points, paired by seed; the largest budget
    first."""
    rows = []
    budgets = sorted({which.most for which in pool if which.kind == "taylor"}, reverse=True)
    for most in budgets:
        equal = {which: runs for which, runs in pool.items() if which.most == most}
        disjoint, overlapping = (standard(equal, overlaps=overlaps) for overlaps in (False, True))
        for ours, name in ((disjoint, "disjoint blocks"), (overlapping, "overlapping blocks")):
            if ours is None:
                continue
            pairs = {kind: rival(pool, ours, kind) for kind in NAMES}
            if most == budgets[0]:  # it has one size only
                pairs[RIDGE] = rival(pool, ours, RIDGE)
            pairs["the same, order 1"] = ours._replace(order=1)
            pairs["the same, order 3"] = ours._replace(order=3)
            pairs["the same, weights of its own for each block"] = ours._replace(sharing="none")
            pairs["the same without BatchNorm"] = ours._replace(norm="scale")
            if ours is overlapping and disjoint is not None:
                pairs["disjoint blocks"] = disjoint
            for other, which in pairs.items():
                found = gap(pool, ours, which)
                if found is not None:
                    rows.append((f"TaylorNet, {name}", other, f"{most:,}", *_cells(found)))
    return Table(
        f"{_title(preset, records)}: differences in test accuracy, points",
        ("network", "minus", "budget", "points", "95 % interval", "seeds"),
        tuple(rows),
        "Order 2, weights shared by a level, BatchNorm; the other networks have no normalisation. Paired by "
        "seed, Student's t.",
    )


def _cells(found: Summary) -> tuple[str, str, str]:
    ends = "-" if found.interval is None else "{:+.2f} to {:+.2f}".format(*found.interval)
    return f"{found.mean:+.2f}", ends, str(found.seeds)
