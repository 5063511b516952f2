"""The experiment from end to end on the smoke preset, and the tables made of records."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hsrnn import datasets, experiments, figures, hmrnn, ledger
from hsrnn.experiments import claims, hmrnn_language, hmrnn_language_tables, hmrnn_text_claims
from hsrnn.experiments.hmrnn_cost import read_cost
from hsrnn.experiments.hmrnn_language import PRESETS, LanguageConfig
from hsrnn.experiments.hmrnn_language_figure import boundaries_figure
from hsrnn.training import CheckpointError, save_checkpoint

SMOKE = PRESETS["smoke"]


@pytest.fixture(scope="module")
def finished(reproduced) -> ledger.Record:
    """One record of a smoke run, with the file of its model."""
    record, folder = reproduced("hmrnn.language", SMOKE)
    record.metrics["model"] = str(folder / "model.safetensors")
    return record


def test_a_record_holds_what_the_tables_need(finished):
    m = finished.metrics
    assert 3 < m["test_bpc"] < np.log2(28) + 0.2
    assert m["parameters"] == sum(p.numel() for p in hmrnn_language.build_model(SMOKE, 28).parameters())
    assert m["test_symbols"] == 1000 and len(m["boundary_rates"]) == 2
    assert sum(m["operations"]["COPY"]) / (3 * 999) == pytest.approx(m["saving"])
    assert set(m["segmentation"]) == {
        name + late for name in ("word", "phrase", "sentence") for late in ("", ", one later")
    }
    scores = m["segmentation"]["word, one later"]
    assert {"layer1", "layer2", "random1", "random2", "entropy1", "entropy2", "spaces", "entropy"} == set(
        scores
    )
    assert scores["layer1"]["rate"] == pytest.approx(m["boundary_rates"][0])
    assert m["curve"]["update"] == [8, 16, 24]


def test_a_saved_model_is_the_model_that_was_scored(finished):
    from pathlib import Path

    model, vocabulary, config = hmrnn_language.load_model(Path(finished.metrics["model"]))
    assert config == SMOKE
    corpus = hmrnn_language.load_corpus(config)
    assert vocabulary.symbols == corpus.vocabulary.symbols
    score = hmrnn.evaluate_stream(model, corpus.test)
    assert score.bits_per_character == pytest.approx(finished.metrics["test_bpc"], rel=1e-6)


def test_rules_on_true_words():
    """Against the true ends of words one later, spaces are perfect up to line ends; that is what makes
    them a rule."""
    corpus = datasets.load("generated", length=20_000)
    gold = hmrnn_language.gold_boundaries(corpus)["word, one later"]
    spaces = hmrnn.separators(corpus.vocabulary.decode(corpus.test[:-1]))
    assert hmrnn.boundary_score(spaces, gold).f1 > 0.99


def test_handwriting_is_no_text():
    with pytest.raises(ValueError, match="must be a text, got 'strokes'"):
        hmrnn_language.load_corpus(replace(SMOKE, corpus="strokes"))


def test_spaces_are_taken_out_and_words_still_known(tmp_path):
    """Every symbol but the spaces stays, in order, and a word ends where it ended before; the generated text
    without spaces, made by its grammar, agrees."""
    path = tmp_path / "own.txt"
    path.write_text("it fell .\na cat sat on it\n" * 20, encoding="utf-8")
    own, bare = (
        hmrnn_language.load_corpus(replace(SMOKE, corpus=str(path) + form)) for form in ("", ":joined")
    )
    assert len(own.vocabulary) == len(bare.vocabulary) + 1 and " " not in bare.vocabulary
    for split in ("train", "valid", "test"):
        text = own.vocabulary.decode(getattr(own, split))
        assert bare.vocabulary.decode(getattr(bare, split)) == text.replace(" ", "")
        pieces = text.replace(" ", "").replace("\n", "")
        ends = bare.boundaries[split]["word"][getattr(bare, split) != bare.vocabulary.symbols.index("\n")]
        assert len(pieces) == len(ends)
        cut = "".join(letter + " " * int(end) for letter, end in zip(pieces, ends)).split()
        assert cut == text.split()
    corpus = datasets.load("generated", length=20_000, spaces=False)
    made = hmrnn_language.load_corpus(replace(SMOKE, corpus="generated:joined", corpus_length=20_000))
    assert made.hashes == corpus.hashes and " " not in made.vocabulary
    assert hmrnn_language.gold_boundaries(made)["word"].sum() > 100
    with pytest.raises(ValueError, match="no space to take out"):
        hmrnn_language.joined(corpus)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, {"a": torch.zeros(1)}, {"update": 1})
    with pytest.raises(CheckpointError, match="not a model of hmrnn.language"):
        hmrnn_language.load_model(path)


@pytest.mark.parametrize("core", ["hmlstm", "lstm", "layer-norm-lstm", "clockwork"])
def test_every_core_can_be_built(core):
    model = hmrnn_language.build_model(replace(SMOKE, core=core), 28)
    output, _ = model(torch.zeros(2, 3, dtype=torch.long))
    assert output.logits.shape == (2, 3, 28)


def test_paper_preset_is_the_papers_network():
    model = hmrnn_language.build_model(replace(PRESETS["paper"], layer_norm=False), 50)
    assert sum(p.numel() for p in model.parameters()) == 8_434_615


def fake(
    config: LanguageConfig,
    seed: int,
    bpc: float,
    preset: str = "desk",
    *,
    f1: float = 0.5,
    saving: float = 0.5,
) -> ledger.Record:
    from dataclasses import asdict

    score = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "rate": 0.2}
    rules = ("layer1", "random1", "random2", "entropy1", "entropy2", "spaces", "entropy")
    scores = {rule: score for rule in rules} | {"layer2": score | {"f1": f1}}
    boundaries = {
        "boundary_rates": [0.2, 0.05], "saving": saving, "updates": [10, 3, 1],
        "segmentation": {"word, one later": scores, "word": scores | {"layer1": score | {"f1": 0.75}}},
    }  # fmt: skip
    metrics = {"test_bpc": bpc, "parameters": 7} | (boundaries if config.core == "hmlstm" else {})
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}
    machine = {"processor": "p", "threads": 1}
    return ledger.Record("hmrnn.language", preset, seed, settings, metrics, {}, "abc", {}, machine, 60.0, "")


def verdict(records: list[ledger.Record], claim: str) -> str:
    table = hmrnn_language_tables.tables(records)[-1]
    return next(row[-1] for row in table.rows if row[0].startswith(claim))


WITHOUT_NORM = "C1 HM-LSTM beats an LSTM without norm, equal units"


def test_verdicts_need_seeds_and_separate_intervals():
    ours, theirs = PRESETS["desk"], replace(PRESETS["desk"], core="lstm")
    assert verdict([], WITHOUT_NORM) == "not tested"
    one = [fake(ours, 0, 1.6), fake(theirs, 0, 1.7)]
    assert verdict(one, WITHOUT_NORM) == "not tested (1 seed, points to yes)"
    clear = [fake(ours, s, 1.6 + s / 1e4) for s in range(5)] + [
        fake(theirs, s, 1.7 + s / 1e4) for s in range(5)
    ]
    assert verdict(clear, WITHOUT_NORM) == "reproduced"
    # The paper's own comparison is with layer norm on both sides, and equal parameters are another one.
    assert verdict(clear, "C1 HM-LSTM beats a layer-norm LSTM") == "not tested"
    assert verdict(clear, "C1 HM-LSTM beats an LSTM without norm, equal parameters") == "not tested"
    reverse = [fake(theirs, s, 1.6 + s / 1e4) for s in range(5)] + [
        fake(ours, s, 1.7 + s / 1e4) for s in range(5)
    ]
    assert verdict(reverse, WITHOUT_NORM) == "not reproduced"
    wide = [fake(ours, s, 1.6 + s / 10) for s in range(5)] + [
        fake(theirs, s, 1.65 + s / 10) for s in range(5)
    ]
    assert verdict(wide, WITHOUT_NORM) == "partly: the intervals overlap"


def test_other_settings_do_not_enter_a_claim():
    ours, theirs = PRESETS["desk"], replace(PRESETS["desk"], core="lstm")
    longer = [fake(replace(ours, updates=9999), s, 1.0) for s in range(5)]
    records = [fake(theirs, s, 1.6) for s in range(5)] + longer
    assert verdict(records, WITHOUT_NORM) == "not tested"


def test_a_claim_is_decided_at_the_size_that_has_the_seeds():
    large = replace(PRESETS["paper"], slope_max=1.0)
    rival = replace(large, core="lstm")
    one = [fake(large, 0, 1.2, "paper"), fake(rival, 0, 1.3, "paper")]
    assert verdict(one, WITHOUT_NORM) == "not tested (1 seed, points to yes)"
    small, other = PRESETS["desk"], replace(PRESETS["desk"], core="lstm")
    many = [fake(c, s, n + s / 1e4) for c, n in ((small, 1.7), (other, 1.6)) for s in range(5)]
    assert verdict(one + many, WITHOUT_NORM) == "not reproduced"


def test_a_claim_about_two_rivals_needs_both():
    step, sample, soft = (replace(PRESETS["desk"], boundary=kind) for kind in ("step", "sample", "soft"))
    one = [fake(step, s, 1.6 + s / 1e4) for s in range(5)] + [
        fake(sample, s, 1.7 + s / 1e4) for s in range(5)
    ]
    assert verdict(one, "C2") == "not tested"
    assert verdict(one + [fake(soft, s, 1.8 + s / 1e4) for s in range(5)], "C2") == "reproduced"
    assert verdict(one + [fake(soft, s, 1.5 + s / 1e4) for s in range(5)], "C2") == "not reproduced"


def test_the_direction_of_a_claim_about_two_rivals_is_that_of_the_stronger():
    step, sample, soft = (replace(PRESETS["desk"], boundary=kind) for kind in ("step", "sample", "soft"))
    behind = [fake(step, 0, 1.6), fake(sample, 0, 1.7)]
    assert verdict([*behind, fake(soft, 0, 1.5)], "C2") == "not tested (1 seed, points to no)"
    assert verdict([*behind, fake(soft, 0, 1.8)], "C2") == "not tested (1 seed, points to yes)"


@pytest.mark.parametrize(("saving", "told"), [(0.6, "reproduced"), (0.4, "partly"), (0.2, "not reproduced")])
def test_sparse_means_most_steps(saving, told):
    records = [fake(PRESETS["desk"], s, 1.6, saving=saving + s / 1e3) for s in range(5)]
    assert verdict(records, "C4") == told
    assert verdict(records[:2], "C4").startswith("not tested (2 seeds, points to ")


@pytest.mark.parametrize(
    ("preset", "corpus", "claim"),
    [
        ("desk", "ptb", "C5 boundaries align with words, Treebank"),
        ("book", "generated", "C5 the same, generated text"),
    ],
)
def test_words_are_found_where_f1_lies_above_chance(preset, corpus, claim):
    config = PRESETS[preset]
    assert config.corpus == corpus
    for f1, told in ((0.7, "reproduced"), (0.54, "partly"), (0.5, "not reproduced")):
        records = [fake(config, s, 1.6, preset, f1=f1 + s / 1e3 * (f1 > 0.5)) for s in range(5)]
        assert verdict(records, claim) == told
        row = next(r for r in hmrnn_text_claims.claims_table(records).rows if r[0] == claim)
        assert "at the last letter +0.25 above chance" in row[2]  # told, and of no weight
    # Records of the text without spaces decide their own row only.
    records = [fake(replace(config, corpus=corpus + ":joined"), s, 1.6, preset, f1=0.9) for s in range(5)]
    assert verdict(records, claim) == "not tested"
    rows = hmrnn_language_tables.tables(records)[-1].rows
    assert [row[-1] for row in rows if "without spaces" in row[0]].count("reproduced") == 1


def test_saved_computation_is_read_from_the_stored_bench():
    row = hmrnn_text_claims.claims_table([]).rows[-1]
    (line,) = (one for one in read_cost() if one["name"] == "hmrnn.cost/512-64-0")
    assert f"{line['multiplications']['share']:.2f} of an LSTM's multiplications" in row[2]
    met = (line["multiplications"]["share"] < 1) + (line["ours"] < line["reference"])
    assert row[-1] == ("not reproduced", "partly", "reproduced")[met]


def test_score_table_gives_mean_spread_range_seeds_and_command():
    records = [fake(replace(PRESETS["desk"], core="lstm"), s, 1.6 + s / 10) for s in range(3)]
    table = hmrnn_language_tables.tables(records)[0]
    (row,) = table.rows
    assert row[0] == "LSTM" and row[1] == "3 x 128"
    assert row[4] == "1.700 ± 0.100 (3 seeds)" and row[5] == "1.600 to 1.800"
    assert "`hsrnn reproduce hmrnn.language --preset desk --seed 0 --core lstm`" in table.note


def test_tables_tell_paces_and_texts_apart():
    paces = [fake(replace(PRESETS["desk"], slope_max=5.0, slope_per_epoch=p), 0, 1.6) for p in (0.04, 1.33)]
    rows = hmrnn_language_tables.tables(paces)[0].rows
    assert [row[0].partition("annealed")[2] for row in rows] == [" by 0.04 an epoch", " by 1.33 an epoch"]
    assert {row[3] for row in rows} == {"1.24"}
    bare = hmrnn_language_tables.tables([fake(replace(PRESETS["desk"], corpus="ptb:joined"), 0, 1.9)])
    assert bare[0].title.startswith("ptb without spaces, preset desk") and bare[0].rows[0][3] == "-"
    assert "line ends" in bare[1].header and "spaces" not in bare[1].header


def test_the_printed_command_repeats_the_run():
    """What a table prints, fed back into the command line's parser, gives the record's own settings."""
    import shlex

    import tyro

    config = replace(PRESETS["book"], core="clockwork", hidden_sizes=(32, 64), layer_norm=False, updates=5)
    words = shlex.split(claims.command(fake(config, 3, 1.0, preset="book")))
    assert words[:7] == ["hsrnn", "reproduce", "hmrnn.language", "--preset", "book", "--seed", "3"]
    assert tyro.cli(LanguageConfig, default=PRESETS["book"], args=words[7:]) == config


def test_every_experiment_is_complete(monkeypatch):
    for name, found in experiments.EXPERIMENTS.items():
        assert isinstance(found, experiments.Experiment) and found.name == name and found.title
        assert set(found.presets) == {"smoke", "book", "desk", "paper"}
        assert all(isinstance(table, ledger.Table) for table in found.tables([]))
    monkeypatch.delenv("HSRNN_RUNS", raising=False)
    assert experiments.runs_folder().name == "runs"


def test_unknown_experiments_are_named():
    with pytest.raises(ValueError, match="no experiment 'x'; there are: hmrnn.language"):
        experiments.experiment("x")


@pytest.mark.needs_data("ptb")
def test_one_update_on_the_real_treebank(tmp_path, monkeypatch):
    monkeypatch.setenv("HSRNN_RUNS", str(tmp_path))
    small = replace(SMOKE, corpus="ptb", updates=2, evaluate_every=2, checkpoint_every=2, rows=256, length=40)
    corpus = hmrnn_language.load_corpus(small)
    model = hmrnn_language.build_model(small, len(corpus.vocabulary))
    rows = datasets.ContiguousRows(corpus.train, rows=256, length=40)
    valid = datasets.ContiguousRows(corpus.valid[:20_000], rows=256, length=40)
    log = hmrnn.train(model, lambda epoch: rows, valid, small.training, progress=False)
    assert 4 < log[-1]["valid_bpc"] < 6.5
    metrics, _ = hmrnn_language.describe(model, replace_test(corpus, 3000))
    assert set(metrics["segmentation"]) == {"word", "word, one later"}


def replace_test(corpus: datasets.Corpus, length: int) -> datasets.Corpus:
    return replace(corpus, test=corpus.test[:length])


def test_the_figure_holds_the_shipped_network_and_its_picture_is_what_the_page_computes():
    text = "the chairman said it was not a merger "
    figure = boundaries_figure(text, name="shipped")
    model, vocabulary, _ = hmrnn_language.load_model("hmrnn-language-ptb")
    rounded = figures.unpack(figure.data["weights"])
    for name, weight in model.state_dict().items():
        np.testing.assert_allclose(rounded[name], weight, atol=float(weight.abs().max()) / 250)
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in rounded.items()})
    with torch.no_grad():
        read = model(torch.from_numpy(vocabulary.encode(text).astype("int64"))[None])[0]
    expected = figures.plot_operations(text, read.core.operations[0].numpy(), read.core.boundaries[0].numpy())
    assert figure.alt.endswith(expected.alt)
    with pytest.raises(ValueError, match="not among the 50 symbols"):
        boundaries_figure("naïve")


def test_a_core_without_boundaries_has_no_figure(tmp_path):
    config = replace(SMOKE, core="lstm")
    model = hmrnn_language.build_model(config, 3)
    hmrnn_language.save_model(tmp_path / "model.safetensors", model, config, ("a", "b", "c"))
    with pytest.raises(ValueError, match="without boundaries"):
        boundaries_figure("abc", checkpoint=tmp_path / "model.safetensors")
