"""Tables of ``sketches.memory``, made from the ledger, and the rules by which its claims are decided.

The paper reports no experiment, so no column is named after it. The rules, fixed before any run of the desk
preset, stand in words under the table of claims.
"""

from __future__ import annotations

from collections.abc import Sequence

from hsrnn.ledger import Record, Table, group, summarise
from hsrnn.sketches import SceneSizes
from hsrnn.sketches.scene_network import MOST_DIGITS

from .claims import HEADLINE_SEEDS, NOT_RUN, made_by, shown_of, undecided
from .sketches_memories import widths

NAMES = {
    "sketch": "sketch, least squares",
    "sketch-half": "sketch in float16, least squares",
    "sketch-paths": "sketch, path-aware projection",
    "raw": "raw list, rounded to fit",
    "flat": "flat projection, least squares",
    "count-sketch": "count-sketch, median of 5",
    "map": "symbols, MAP in bytes",
    "fhrr": "symbols, FHRR",
}
QUESTIONS = {
    "seven": "was there a 7?", "second": "second digit", "picture": "its picture", "threes": "3s a day",
    "hours": "7s by hour", "alike": "rooms alike", "strange": "strange day",
}  # fmt: skip
BETTER_HIGH = ("seven", "second", "alike", "strange")
CLOSE = {"seven": 0.01, "second": 0.01, "picture": 0.005, "threes": 0.05, "hours": 0.01}
"""How near an answer has to come to the network's own to count as good as it."""


def tables(records: Sequence[Record]) -> list[Table]:
    """Return for each preset: answers at two budgets, bytes that a good answer takes, losses, albums; then
    the claims."""
    shown = shown_of(records)
    made = []
    for preset, part in group(shown, lambda r: r.preset).items():
        budgets = part[0].config["budgets"]
        at = [size for size in (512, 2048) if size in budgets] or [budgets[-1]]
        made += [answers_table(preset, part, size) for size in at]
        made += [storage_table(preset, part), losses_table(preset, part), album_table(preset, part)]
    return [*made, claims_table(shown)]


def mean(records: Sequence[Record], *path: str) -> float:
    """Return the mean over records of a metric at a path of keys."""
    found = []
    for record in records:
        value = record.metrics
        for key in path:
            value = value[key]
        found.append(float(value))
    return summarise(found).mean


def _cell(records: Sequence[Record], question: str, *path: str) -> str:
    value = mean(records, *path, question)
    if question in ("alike", "strange"):
        return f"{round(value * len(records))} of {len(records)}"
    return f"{value:.3f}" if question != "threes" else f"{value:.2f}"


def answers_table(preset: str, records: Sequence[Record], size: int) -> Table:
    """Every question to every memory at one budget, against the truth of the rooms."""
    rows = [("the network, nothing forgotten", *(_cell(records, q, "network") for q in QUESTIONS))]
    for name in records[0].config["memories"]:
        cells = (_cell(records, q, "memories", f"{name}/{size}") for q in QUESTIONS)
        rows.append((NAMES[name], *cells))
    nobody = mean(records, "knows_nothing_picture")
    return Table(
        f"A year of rooms at {size:,} bytes a scene, preset {preset}",
        ("memory", *QUESTIONS.values()),
        tuple(rows),
        "Was there a 7: mean of the shares of right answers where there was one and where not. Second digit: "
        "share named rightly; its picture: root mean square error of a point in [0, 1], where the mean digit "
        f"drawn every time has {nobody:.3f}. 3s a day: mean error of the daily count. 7s by hour: half "
        f"the sum "
        "of differences of the shares of 24 hours. Rooms alike, strange day: years answered rightly. All "
        "memories are told how many digits there were. " + made_by(records),
    )


def storage_table(preset: str, records: Sequence[Record]) -> Table:
    """The smallest budget from which on each answer is as good as the network's own."""
    config = records[0].config
    rows = []
    for name in config["memories"]:
        cells = []
        for question, close in CLOSE.items():
            own = mean(records, "network", question)
            good = [
                _no_worse(mean(records, "memories", f"{name}/{size}", question), own, question, close)
                for size in config["budgets"]
            ]
            first = next((k for k in range(len(good)) if all(good[k:])), None)
            cells.append("never" if first is None else f"{config['budgets'][first]:,}")
        rows.append((NAMES[name], *cells))
    raw = mean(records, "raw_float32_bytes")
    near = ", ".join(f"{QUESTIONS[question]} {close:g}" for question, close in CLOSE.items())
    return Table(
        f"Bytes a scene until the answer is the network's own, preset {preset}",
        ("memory", *(QUESTIONS[question] for question in CLOSE)),
        tuple(rows),
        f"Of the budgets tried, the first from which on the mean is within these distances of the network's: "
        f"{near}. The attributes of a scene as float32 take {raw:,.0f} bytes on average, with rounding to "
        f"a byte "
        f"each {raw / 4:,.0f}; the picture of the scene itself, 32 x 32 bytes, takes 1,024. "
        + made_by(records),
    )


def _no_worse(value: float, other: float, question: str, close: float) -> bool:
    return value >= other - close if question in BETTER_HIGH else value <= other + close


def losses_table(preset: str, records: Sequence[Record]) -> Table:
    """The largest budget, before and after a share of the numbers is lost."""
    config = records[0].config
    size, lost = max(config["budgets"]), config["lost"]
    rows = []
    for name in ("sketch", "flat", "raw"):
        if name in config["memories"]:
            for key, text in (
                (f"{name}/{size}", "nothing"),
                (f"{name}/{size}, {lost:g} lost", f"{lost:.0%}"),
            ):
                rows.append((NAMES[name], text, *(_cell(records, q, "memories", key) for q in QUESTIONS)))
    return Table(
        f"What is left when numbers are lost, {size:,} bytes a scene, preset {preset}",
        ("memory", "lost", *QUESTIONS.values()),
        tuple(rows),
        "The same randomly chosen numbers are lost of every scene; a list takes a lost number for 0. "
        + made_by(records),
    )


def album_table(preset: str, records: Sequence[Record]) -> Table:
    """The year in 24 vectors."""
    album = [(key, mean(records, "album", key)) for key in ("hours", "network_hours", "threes", "digits")]
    whole = mean(records, "raw_float32_bytes") * 24 * records[0].config["days"]
    rows = (
        ("7s by hour, from the vectors", f"{album[0][1]:.4f}"),
        ("7s by hour, from the network's probabilities", f"{album[1][1]:.4f}"),
        ("3s by hour, relative error", f"{album[2][1]:.4f}"),
        ("digits by hour, relative error", f"{album[3][1]:.4f}"),
    )
    return Table(
        f"The year in 24 merged sketches, one for each hour of the day, preset {preset}",
        ("answer", "error"),
        rows,
        f"All 24 take {mean(records, 'album', 'bytes') / 1000:,.0f} kB; the attributes of the year as "
        f"float32 "
        f"{whole / 1e6:,.1f} MB. Running sums of all attributes, place by place, would take "
        f"{24 * 4 * _sums() / 1000:,.0f} kB and be exact, had one known that sums would be asked for. "
        + made_by(records),
    )


def _sums() -> int:
    """Return how many numbers the attributes of a scene of 4 digits have, and 4 numbers of scenes."""
    return sum(widths(SceneSizes(), MOST_DIGITS).values()) + MOST_DIGITS


def claims_table(records: Sequence[Record]) -> Table:
    """What of the claims a year of rooms can decide."""
    desk = [record for record in records if record.preset == "desk"]
    claims = (
        ("C3", "numbers of objects of a kind can be read off", counts),
        ("C6", "related inputs are found from their sketches", related),
        ("C7", "a sketch takes less memory than what it stores: one scene", one_scene),
        ("C7", "the same: sums over a year, merged", whole_year),
    )
    rows = []
    for name, text, rule in claims:
        if not desk:
            rows.append((name, text, NOT_RUN, "not tested"))
            continue
        measured, verdict = rule(desk)
        seeds = len({record.seed for record in desk})
        rows.append((name, text, measured, verdict if seeds >= HEADLINE_SEEDS else undecided(seeds)))
    return Table(
        "Claims on a year of rooms",
        ("claim", "what it says", "measured", "verdict"),
        tuple(rows),
        "C3: holds if, at 2,048 bytes, the daily number of 3s read by projection along the path is "
        "off from "
        "the network's own error by less than 0.05 (95 % interval over seeds); partly if only by least "
        "squares. "
        "C6: holds if the two like rooms are found from undecoded sketches in at least 95 % of the "
        "years at "
        "every budget from 512 bytes on; partly if at the largest. C7, one scene: holds if at some "
        "budget "
        "below the float32 size of the list no answer of the sketch is worse than the rounded list's at "
        "equal "
        "bytes and one is better; not if at each of these budgets one is worse and none better; else partly "
        "(better and worse by the distances of the table of bytes). C7, sums: holds if the 24 "
        "vectors are "
        "smaller than the list of the year and give the hours of the 7s within 0.01 of the network's own "
        "sums.",
    )


def counts(desk: Sequence[Record]) -> tuple[str, str]:
    """C3, by the rule under the table."""
    verdicts, said = {}, []
    for name in ("sketch", "sketch-paths"):
        more = summarise([
            record.metrics["memories"][f"{name}/2048"]["threes"] - record.metrics["network"]["threes"]
            for record in desk
        ])  # fmt: skip
        low, high = more.interval or (more.mean, more.mean)
        verdicts[name] = -0.05 < low and high < 0.05
        interval = f" [{low:+.2f}, {high:+.2f}]" if more.interval else ""
        said.append(f"{NAMES[name]} {more.mean:+.2f}{interval}")
    measured = "3s a day, error beyond the network's: " + ", ".join(said)
    if verdicts["sketch-paths"]:
        return measured, "holds"
    return measured, "partly" if verdicts["sketch"] else "does not hold"


def related(desk: Sequence[Record]) -> tuple[str, str]:
    """C6, by the rule under the table."""
    budgets = [size for size in desk[0].config["budgets"] if size >= 512]
    share = {size: mean(desk, "memories", f"sketch/{size}", "alike_undecoded") for size in budgets}
    measured = "the like rooms found undecoded: " + ", ".join(
        f"{value:.0%} at {size:,} bytes" for size, value in share.items()
    )
    if min(share.values()) >= 0.95:
        return measured, "holds"
    return measured, "partly" if share[max(budgets)] >= 0.95 else "does not hold"


def one_scene(desk: Sequence[Record]) -> tuple[str, str]:
    """C7 for one scene, by the rule under the table."""
    raw = mean(desk, "raw_float32_bytes")
    outcome, said = [], []
    for size in (each for each in desk[0].config["budgets"] if each < raw):
        worse, better = [], []
        for question, close in CLOSE.items():
            ours, theirs = (mean(desk, "memories", f"{name}/{size}", question) for name in ("sketch", "raw"))
            gain = (ours - theirs) * (1 if question in BETTER_HIGH else -1)
            worse += [question] if gain < -close else []
            better += [question] if gain > close else []
        outcome.append((len(worse), len(better)))
        said.append(f"{size:,} bytes: worse in {len(worse)}, better in {len(better)} of {len(CLOSE)} answers")
    measured = f"list in float32 {raw:,.0f} bytes; sketch beside rounded list at " + "; ".join(said)
    if any(not worse and better for worse, better in outcome):
        return measured, "holds"
    return measured, "does not hold" if all(w and not b for w, b in outcome) else "partly"


def whole_year(desk: Sequence[Record]) -> tuple[str, str]:
    """C7 for sums over the year, by the rule under the table."""
    size = mean(desk, "album", "bytes")
    whole = mean(desk, "raw_float32_bytes") * 24 * desk[0].config["days"]
    off = mean(desk, "album", "hours") - mean(desk, "album", "network_hours")
    measured = f"{size / 1000:,.0f} kB instead of {whole / 1e6:,.1f} MB; hours of the 7s {off:+.4f}"
    return measured, "holds" if size < whole and off < 0.01 else "does not hold"
