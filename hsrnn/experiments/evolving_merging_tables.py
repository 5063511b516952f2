"""Tables of ``evolving.merging``, made from the ledger, and the verdicts on claims C2, C3, C4 and C7.

The rules of the verdicts were written before any record existed. C1, C5 and C6 are decided by
``evolving.parsing``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hsrnn.ledger import Record, Summary, Table, group, summarise

from .claims import HEADLINE_SEEDS, NOT_RUN, interval_text, made_by, percent, points, shown_of, undecided
from .evolving_merging import MAIN, RANDOM, TWINS, depth_name
from .evolving_merging_graph_tables import percolation_table, probability_table, terms_table

Line = dict[str, Any]
SHOWN_BY_LEVEL = (MAIN, "bernoulli-normalised", "threshold-0.5", *TWINS)


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each setting: the one network under every rule, its levels, equal node counts, networks
    trained with each rule, what decides a proposal, percolation; then the claims."""
    shown = shown_of(records)
    made = []
    for part in group(shown, setting).values():
        title = _title(part)
        made += [rule_table(part), level_table(part), equal_counts_table(part), trained_table(part)]
        made += [probability_table(title, part), terms_table(title, part), percolation_table(title, part)]
    desk = [part for key, part in group(shown, setting).items() if key[0] == "desk"]
    desk.sort(key=lambda part: part[0].config["dataset"] != "figures")
    return [*made, *(claims_table(part) for part in desk or [[]])]


def setting(record: Record) -> tuple[Any, ...]:
    """Return what tells runs apart that must not be pooled: everything but the seed."""
    return (record.preset, *(str(value) for value in record.config.values()))


def _title(records: Sequence[Record]) -> str:
    return f"{records[0].metrics['dataset'].partition(',')[0]}, preset {records[0].preset}"


def line_of(record: Record, part: str, name: str) -> Line | None:
    """Return what a record holds of a ``"rule"`` of the one network, or of a ``"trained"`` network; the
    default network is both."""
    kind = "rule" if name == MAIN else part
    return next((line for line in record.metrics[kind] if line["name"] == name), None)


def _lines(records: Sequence[Record], part: str, name: str) -> list[Line]:
    return [line for record in records if (line := line_of(record, part, name)) is not None]


def _names(records: Sequence[Record], part: str) -> list[str]:
    return list(dict.fromkeys(line["name"] for record in records for line in record.metrics[part]))


def _deepest(lines: Sequence[Line], key: str) -> list[float]:
    return [line["by_level"][-1][key] for line in lines]


def _of_proposals(lines: Sequence[Line], key: str) -> list[float | None]:
    """Return the mean over levels, weighted by proposals, of each line; None where there were none."""
    found: list[float | None] = []
    for line in lines:
        known = [(level[key], level["proposals"]) for level in line["by_level"] if level["proposals"]]
        total = sum(weight for _, weight in known)
        found.append(sum(value * weight for value, weight in known) / total if total else None)
    return found


def rule_table(records: Sequence[Record]) -> Table:
    """The one trained network under every rule: scores, what is left at the deepest level, proposals."""
    rows = []
    for name in _names(records, "rule"):
        lines = _lines(records, "rule", name)
        rows.append((
            name, percent([line["test"]["mean_iou"] for line in lines]),
            interval_text(_deepest(lines, "nodes")), percent(_deepest(lines, "purity")),
            percent(_deepest(lines, "ceiling")), percent(_of_proposals(lines, "acceptance")),
            interval_text(_of_proposals(lines, "eliminated")),
            interval_text(_of_proposals(lines, "transition"), 2),
            interval_text([line["milliseconds"] for line in lines]),
        ))  # fmt: skip
    ceiling = percent([line["ceiling"]["mean_iou"] for line in _lines(records, "rule", MAIN)])
    config = records[0].config
    return Table(
        f"{_title(records)}: one network under every rule of merging, test part",
        ("rule", "mean IoU, %", "regions", "purity, %", "ceiling, %", "accepted, %", "edges eliminated",
         "log transition", "ms"),
        tuple(rows),
        f"The network was trained with {MAIN}; nothing was trained for the other rules. Mean ± half of a "
        f"95 % interval (Student's t over seeds), a picture. Regions, purity (pixels with the majority label "
        f"of their region) and ceiling (mean IoU of those labels) are of the deepest of {config['levels']} "
        f"levels; the ceiling of the superpixels is {ceiling}. Accepted: of the proposals that would merge "
        f"anything; edges and log of the transition factor of a proposal, mean. Twins merge down to the same "
        f"number of regions in every picture at every level: at random, by colour, by the true labels; their "
        f"time includes that of the network they follow. "
        f"{made_by(records)}",
    )  # fmt: skip


def level_table(records: Sequence[Record]) -> Table:
    """What every level is like and costs, under the rules that differ most."""
    rows = []
    for name in SHOWN_BY_LEVEL:
        lines = _lines(records, "rule", name)
        for level in range(len(lines[0]["by_level"]) if lines else 0):
            found = [line["by_level"][level] for line in lines]
            products = [f["multiplications"] for f in found]
            rows.append((
                name, str(level), interval_text([f["nodes"] for f in found]),
                *(percent([f[key] for f in found]) for key in ("purity", "ceiling", "same", "acceptance")),
                interval_text([f["milliseconds"] for f in found], 2),
                interval_text([None if p is None else p / 1e6 for p in products], 3),
            ))  # fmt: skip
    return Table(
        f"{_title(records)}: the levels of one network, test part",
        ("rule", "level", "regions", "purity, %", "ceiling, %", "edges within a label, %", "accepted, %",
         "ms", "million products"),
        tuple(rows),
        "Mean ± half of a 95 % interval (Student's t over seeds), a picture. Edges within a label: of all "
        "edges of the level, those between regions of one majority label. Time and multiplications are "
        "those of the level's own layer.",
    )  # fmt: skip


def paired(
    records: Sequence[Record], value: Callable[[Line], float], first: tuple[str, str], second: tuple[str, str]
) -> Summary | None:
    """Return a value of one line minus that of another, paired by seed; ``None`` where no record has both.

    Args:
        records: of one setting.
        value: what to read from a line.
        first: part and name of a line, see :func:`line_of`.
        second: likewise.
    """
    pairs = [(line_of(record, *first), line_of(record, *second)) for record in records]
    found = [value(a) - value(b) for a, b in pairs if a and b]
    return summarise(found) if found else None


def _at(level: int, key: str) -> Callable[[Line], float]:
    return lambda line: 100 * line["by_level"][level][key]


def _iou(line: Line) -> float:
    return 100 * line["test"]["mean_iou"]


def equal_counts_table(records: Sequence[Record]) -> Table:
    """Learned merges, and those by colour and by the truth, minus random ones at equal numbers of regions."""
    rows = []
    random = ("rule", RANDOM)
    for level in range(1, records[0].config["levels"]):
        for name in (MAIN, *(twin for twin in TWINS if twin != RANDOM)):
            gaps = [
                paired(records, _at(level, key), ("rule", name), random)
                for key in ("nodes", "purity", "ceiling")
            ]
            if None not in gaps:
                regions, *better = [gap for gap in gaps if gap is not None]
                rows.append((str(level), name, f"{regions.mean / 100:+.2f}", *map(points, better)))
    for name in (MAIN, *(twin for twin in TWINS if twin != RANDOM)):
        found = paired(records, _iou, ("rule", name), random)
        if found is not None:
            rows.append(("the network's own mean IoU", name, "", "", points(found)))
    return Table(
        f"{_title(records)}: minus random merging at equal numbers of regions, test part, points",
        ("level", "merges", "regions", "purity", "ceiling, mean IoU"),
        tuple(rows),
        f"One trained network; paired by seed, 95 % intervals by Student's t. {MAIN} is what it learned; "
        f"merging by colour joins the nearest mean colours; merging by the true labels, which no network can "
        f"know, joins equal ones first and is the best that so many regions allow.",
    )


def trained_table(records: Sequence[Record]) -> Table:
    """Networks trained with each rule and of each depth, beside the default one."""
    rows = []
    for name in (MAIN, *_names(records, "trained")):
        lines = _lines(records, "trained", name)
        gap = None if name == MAIN else paired(records, _iou, ("trained", MAIN), ("trained", name))
        products = [line["multiplications"] for line in lines]
        size = records[0].metrics if name == MAIN else lines[0]
        rows.append((
            name, f"{size['parameters']:,}", percent([line["test"]["mean_iou"] for line in lines]),
            percent([line["test"]["accuracy"] for line in lines]),
            interval_text(_deepest(lines, "nodes")), percent(_deepest(lines, "ceiling")),
            interval_text([None if p is None else p / 1e6 for p in products]),
            points(gap) if gap else "",
        ))  # fmt: skip
    config = records[0].config
    return Table(
        f"{_title(records)}: networks trained with each rule, test part",
        ("trained with", "parameters", "mean IoU, %", "pixel accuracy, %", "regions", "ceiling, %",
         "million products", "default minus this, points"),
        tuple(rows),
        f"Mean ± half of a 95 % interval; differences of mean IoU paired by seed, 95 % intervals by "
        f"Student's t. All stand on the backbone of their seed ({config['first_epochs']} epochs), then train "
        f"{config['epochs']} epochs. The random twin follows the default network's numbers of regions in "
        f"every batch. Rows named by their levels: the default rule at equal parameters. Regions and ceiling "
        f"are of the deepest level. {made_by(records)}",
    )  # fmt: skip


def claims_table(records: Sequence[Record]) -> Table:
    """Claims C2, C3, C4 and C7 on desk runs of one data set; the rules are in the note."""
    rows = []
    for name, words, judge in (
        ("C2", "stochastic merging above deterministic thresholds", _c2),
        ("C3", "learned merging above random merging at equal numbers of regions", _c3),
        ("C4", "more levels help, up to about five", _c4),
        ("C7", "higher levels filter redundancy", _c7),
    ):
        found = judge(records) if records else None
        told, verdict = found or (NOT_RUN, "not tested")
        if found and len(records) < HEADLINE_SEEDS:
            verdict = undecided(len(records))
        rows.append((name, words, told, verdict))
    where = f", {records[0].metrics['dataset'].partition(',')[0]}" if records else ""
    return Table(
        f"Claims on merging{where}",
        ("claim", "in words", "measured", "verdict"),
        tuple(rows),
        "Verdicts speak of our reconstruction: the body of the paper could not be read. Rules, written "
        'before the runs; preset desk, test part, paired by seed, 95 % intervals by Student\'s t; "above" '
        "means that the interval lies above 0. C2: reproduced if the network trained with the default rule "
        "is above every network trained with a threshold in mean IoU, partly if above one, else not. C3: "
        "reproduced if the network trained with learned merges is above the one trained with random merges "
        "at equal numbers of regions in mean IoU; partly if only its regions are better: their ceiling is "
        "above that of random ones at every level; else not. C4, equal parameters: reproduced if the slope "
        "of mean IoU over 1 to 5 levels is above 0, partly if 3 or 5 levels are above 1, else not. C7: "
        "reproduced if at every level there are fewer regions and fewer multiplications than at the one "
        "below, and the deepest level has lost less than half the purity that random merging to as many "
        "regions loses; partly if only there are fewer; else not. 5 seeds or more.",
    )


def _above(found: Summary) -> bool:
    return found.interval is not None and found.interval[0] > 0


def _c2(records: Sequence[Record]) -> tuple[str, str] | None:
    names = [name for name in _names(records, "trained") if name.startswith("threshold")]
    gaps = {name: paired(records, _iou, ("trained", MAIN), ("trained", name)) for name in names}
    known = {name: gap for name, gap in gaps.items() if gap is not None}
    if not known:
        return None
    above = [_above(gap) for gap in known.values()]
    told = "; ".join(f"minus {name} {points(gap)}" for name, gap in known.items())
    verdict = "reproduced" if all(above) else "partly" if any(above) else "not reproduced"
    return f"mean IoU, points: {told}", verdict


def _c3(records: Sequence[Record]) -> tuple[str, str] | None:
    gap = paired(records, _iou, ("trained", MAIN), ("trained", RANDOM))
    levels = range(1, records[0].config["levels"])
    regions = [paired(records, _at(level, "ceiling"), ("rule", MAIN), ("rule", RANDOM)) for level in levels]
    known = [found for found in regions if found is not None]
    if gap is None or len(known) < len(levels):
        return None
    verdict = "reproduced" if _above(gap) else "partly" if all(map(_above, known)) else "not reproduced"
    ceilings = ", ".join(f"{found.mean:+.1f}" for found in known)
    return f"mean IoU {points(gap)} points; ceiling of the regions, level by level, {ceilings}", verdict


def _c4(records: Sequence[Record]) -> tuple[str, str] | None:
    names = {depth: depth_name(depth) for depth in range(1, 5)} | {5: MAIN}
    by_depth = {depth: _lines(records, "trained", name) for depth, name in names.items()}
    if any(len(lines) < len(records) for lines in by_depth.values()) or records[0].config["levels"] != 5:
        return None
    scores = np.array([[_iou(line) for line in lines] for lines in by_depth.values()])  # depths, seeds
    slope = summarise(np.polyfit(list(by_depth), scores, 1)[0].tolist())
    three, five = (summarise((scores[depth - 1] - scores[0]).tolist()) for depth in (3, 5))
    verdict = (
        "reproduced" if _above(slope) else "partly" if _above(three) or _above(five) else "not reproduced"
    )
    return (
        f"mean IoU of 1 to 5 levels {', '.join(f'{mean:.1f}' for mean in scores.mean(1))} %; slope "
        f"{points(slope)} points a level; 5 minus 1 {points(five)}"
    ), verdict


def _c7(records: Sequence[Record]) -> tuple[str, str] | None:
    main, random = (_lines(records, "rule", name) for name in (MAIN, RANDOM))
    if len(main) < len(records) or len(random) < len(records):
        return None
    fewer = []
    for key in ("nodes", "multiplications"):
        by_level = np.array([[level[key] for level in line["by_level"]] for line in main])
        fewer += [_above(summarise((-step).tolist())) for step in np.diff(by_level).T]
    lost, lost_at_random = (
        [100 * (line["by_level"][0]["purity"] - line["by_level"][-1]["purity"]) for line in lines]
        for lines in (main, random)
    )
    spared = summarise([half / 2 - own for own, half in zip(lost, lost_at_random)])
    verdict = "not reproduced" if not all(fewer) else "reproduced" if _above(spared) else "partly"
    regions, products = (
        ", ".join(f"{np.mean([line['by_level'][level][key] for line in main]) / unit:.{digits}f}"
                  for level in range(len(main[0]["by_level"])))
        for key, unit, digits in (("nodes", 1, 0), ("multiplications", 1e6, 2))
    )  # fmt: skip
    return (
        f"regions {regions}; million products {products}; purity lost {np.mean(lost):.1f} points, at random "
        f"{np.mean(lost_at_random):.1f}"
    ), verdict
