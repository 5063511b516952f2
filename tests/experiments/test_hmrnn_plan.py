"""The runs that the claims rest on: settings that are what they say, and commands that make them."""

import shlex
from dataclasses import replace

import pytest
import tyro

from hsrnn import cli, datasets
from hsrnn.experiments import hmrnn_handwriting, hmrnn_language, hmrnn_plan
from hsrnn.training import linear_slope
from tests.experiments.test_hmrnn_language import fake


def parameters(config: hmrnn_language.LanguageConfig, vocabulary: int) -> int:
    return sum(p.numel() for p in hmrnn_language.build_model(config, vocabulary).parameters())


@pytest.mark.parametrize(("preset", "vocabulary"), [("book", 28), ("desk", 50), ("paper", 50)])
def test_equal_parameters_are_equal_within_a_per_cent(preset, vocabulary):
    settings = hmrnn_plan.language(preset)
    ours, theirs = (parameters(settings[name], vocabulary) for name in ("step", "LSTM, equal parameters"))
    assert abs(theirs / ours - 1) < 0.01
    assert parameters(settings["LSTM"], vocabulary) < 0.8 * ours  # which is why there are two comparisons


def test_the_presets_are_among_the_settings():
    assert hmrnn_plan.language("desk")["step"] == hmrnn_language.PRESETS["desk"]
    assert hmrnn_plan.language("book")["step"] == hmrnn_language.PRESETS["book"]
    assert hmrnn_plan.language("paper")["annealed"] == hmrnn_language.PRESETS["paper"]
    assert hmrnn_plan.handwriting("paper")["annealed"] == hmrnn_handwriting.PRESETS["paper"]
    assert hmrnn_plan.handwriting("desk")["step"] == hmrnn_handwriting.PRESETS["desk"]


def test_the_slope_of_desk_reaches_its_end():
    config = hmrnn_plan.language("desk")["annealed"]
    epochs = config.updates * config.rows * config.length / datasets.read_card("ptb").counts["train"]
    reached = linear_slope(epochs, per_epoch=config.slope_per_epoch, maximum=config.slope_max)
    assert 4.9 < reached <= config.slope_max == 5


@pytest.mark.parametrize(
    ("corpus", "symbols", "expected"), [("text8", 27, 36_263_456), ("enwik8", 205, 36_650_962)]
)
def test_wikipedia_at_the_papers_size(corpus, symbols, expected):
    config = hmrnn_plan.wikipedia("paper", corpus)
    assert (config.corpus, config.rows, config.learning_rate, config.slope_max) == (corpus, 128, 1e-3, 1.0)
    assert datasets.read_card(corpus).types == symbols
    plain = replace(config, layer_norm=False)
    with pytest.MonkeyPatch.context() as patch:  # counting needs no random weights, which take seconds
        patch.setattr("hsrnn.hmrnn.cell.initialise", lambda *_: None)
        assert parameters(plain, symbols) == expected


def test_every_command_makes_its_settings():
    table = hmrnn_plan.plan_table({"hmrnn.language": [], "hmrnn.handwriting": []})
    assert len(table.rows) == len(hmrnn_plan.plan())
    for planned, row in zip(hmrnn_plan.plan(), table.rows, strict=True):
        words = shlex.split(row[1].strip("`"))
        assert words[:4] == ["hsrnn", "reproduce", planned.experiment, "--preset"]
        presets = {"hmrnn.language": hmrnn_language, "hmrnn.handwriting": hmrnn_handwriting}
        default = presets[planned.experiment].PRESETS[words[4]]
        assert words[5] == "--seeds" and cli.parse_seeds(words[6]) == list(range(planned.seeds))
        assert tyro.cli(type(default), default=default, args=words[7:]) == planned.config
        assert row[2] == f"0 of {planned.seeds}" and row[3] == f"about {planned.minutes}"


def test_what_is_done_is_counted_and_timed():
    step = hmrnn_plan.language("desk")["step"]
    slow = replace(fake(step, 0, 1.6), seconds=999.0)
    done = [slow, fake(step, 3, 1.6), fake(replace(step, updates=3), 1, 1.6)]
    row = hmrnn_plan.plan_table({"hmrnn.language": done, "hmrnn.handwriting": []}).rows[0]
    assert "--seeds 1-2,4`" in row[1] and row[2:] == ("2 of 5", "1.0")


def test_spans_are_what_the_command_line_reads():
    assert hmrnn_plan.spans([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert cli.parse_seeds(hmrnn_plan.spans([3])) == [3]
    with pytest.raises(ValueError, match="at least one seed"):
        hmrnn_plan.spans([])


def test_the_size_with_more_seeds_decides():
    large, small = (hmrnn_plan.language(preset)["step"] for preset in ("paper", "desk"))
    records = [fake(large, 0, 1.2, "paper")] + [fake(small, s, 1.6) for s in range(2)]
    (found,) = hmrnn_plan.decided(records, hmrnn_plan.language, "step")
    assert [record.preset for record in found] == ["desk", "desk"]
    (found,) = hmrnn_plan.decided(records[:1], hmrnn_plan.language, "step")
    assert [record.preset for record in found] == ["paper"]
