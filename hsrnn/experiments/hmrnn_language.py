"""Experiment ``hmrnn.language``: character language models that may find boundaries.

Chung, Ahn and Bengio (ICLR 2017), section 4.1: bits per character on the test text, the operations each
layer takes, and whether boundaries mean anything. ``desk`` is a smaller network on the same Penn
Treebank; ``book`` a small one on the generated corpus, whose true boundaries are known; ``paper`` the
paper's own setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hsrnn import datasets, hmrnn
from hsrnn.hmrnn.cell import Boundary, TopLayer
from hsrnn.training import Processes, save_checkpoint

from .hmrnn_models import operation_metrics, read_model, training_metrics, training_of

Core = Literal["hmlstm", "lstm", "layer-norm-lstm", "clockwork"]
JOINED = ":joined"
"""Behind the name of a corpus: its text without the spaces between words."""


@dataclass(frozen=True)
class LanguageConfig:
    """Settings of one run.

    Attributes:
        corpus: a name that ``hsrnn data list`` shows, or the path of a UTF-8 text file. With ``:joined``
            behind it, as in ``ptb:joined``, the spaces between words are taken out.
        corpus_length: characters of the generated corpus over all splits; other corpora ignore it.
        core: the recurrent core.
        hidden_sizes: units of each layer (module, for the clockwork RNN).
        embedding_size: width of the input embedding.
        output_size: width of the output embedding.
        boundary: kind of boundary (HM-LSTM only).
        layer_norm: layer norm in the HM-LSTM (HM-LSTM only; the layer-norm LSTM is a core of its own).
        top_layer: what COPY means in the top layer (HM-LSTM only).
        slope_per_epoch: growth of the slope per epoch (HM-LSTM only).
        slope_max: largest slope; 1 means no annealing (HM-LSTM only).
        rows: parallel rows of the training text, the batch size.
        length: steps of truncated backpropagation.
        updates: parameter updates.
        learning_rate: Adam's initial step.
        betas: Adam's decay rates.
        clip: largest gradient norm.
        l2: weight of the squared norm of the weights.
        patience: evaluations without improvement before the learning rate is divided.
        decay: what it is divided by.
        evaluate_every: updates between evaluations.
        checkpoint_every: updates between checkpoints.
    """

    corpus: str = "ptb"
    corpus_length: int = 1_000_000
    core: Core = "hmlstm"
    hidden_sizes: tuple[int, ...] = (128, 128, 128)
    embedding_size: int = 64
    output_size: int = 128
    boundary: Boundary = "step"
    layer_norm: bool = True
    top_layer: TopLayer = "copy"
    slope_per_epoch: float = 0.04
    slope_max: float = 1.0
    rows: int = 64
    length: int = 100
    updates: int = 2352
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    l2: float = 0.0
    patience: int = 2
    decay: float = 50.0
    evaluate_every: int = 196
    checkpoint_every: int = 98

    @property
    def training(self) -> hmrnn.TrainingConfig:
        """The part of the settings that the training loop reads."""
        return training_of(self)


PRESETS: dict[str, LanguageConfig] = {
    "smoke": LanguageConfig(
        corpus="generated", corpus_length=20_000, hidden_sizes=(16, 16, 16), embedding_size=8, output_size=16,
        rows=8, length=25, updates=24, evaluate_every=8, checkpoint_every=4,
    ),
    "book": LanguageConfig(
        corpus="generated", corpus_length=500_000, hidden_sizes=(64, 64, 64), embedding_size=32,
        output_size=64, rows=32, length=50, updates=300, learning_rate=5e-3, evaluate_every=50,
        checkpoint_every=50,
    ),
    "desk": LanguageConfig(),
    # Deviation D8: the paper names neither patience nor the number of epochs; 100 is where its slope
    # reaches 5.
    "paper": LanguageConfig(
        hidden_sizes=(512, 512, 512), embedding_size=128, output_size=512, slope_max=5.0, updates=78_400,
        patience=4, evaluate_every=784, checkpoint_every=196,
    ),
}  # fmt: skip


def load_corpus(config: LanguageConfig) -> datasets.Corpus:
    """Load the corpus that ``config`` names.

    Raises:
        ValueError: if it is no text, or has no space to take out.
    """
    name = config.corpus.removesuffix(JOINED)
    without = name != config.corpus
    if name == "generated":
        return datasets.load(name, length=config.corpus_length, spaces=not without)
    if name in datasets.NAMES:
        if datasets.read_card(name).unit != "symbols":
            raise ValueError(
                f"corpus must be a text, got {name!r}, which is counted in "
                f"{datasets.read_card(name).unit}: use hmrnn.handwriting or automata.sentiment"
            )
        corpus = datasets.load(name)
    else:
        corpus = datasets.load_text(Path(name))
    return joined(corpus) if without else corpus


def joined(corpus: datasets.Corpus) -> datasets.Corpus:
    """Return a text without its spaces, line ends kept; its ``boundaries["word"]`` say where words ended.

    Raises:
        ValueError: if no symbol of the corpus is a space.
    """
    symbols = corpus.vocabulary.symbols
    if " " not in symbols:
        raise ValueError(f"{corpus.name} has no space to take out: name it without {JOINED!r}")
    space = symbols.index(" ")
    vocabulary = replace(corpus.vocabulary, symbols=symbols[:space] + symbols[space + 1 :])
    parts, words = {}, {}
    for split in ("train", "valid", "test"):
        codes = getattr(corpus, split)
        kept = codes != space
        words[split] = {"word": hmrnn.word_ends(corpus.vocabulary.decode(codes))[kept]}
        parts[split] = (codes - (codes > space))[kept].astype(vocabulary.dtype)
    return replace(corpus, vocabulary=vocabulary, **parts, boundaries=words, floor={})


def build_model(config: LanguageConfig, vocabulary_size: int, *, seed: int = 0) -> hmrnn.CharLanguageModel:
    """Build the model that ``config`` describes, with fresh weights."""
    sizes, columns = config.hidden_sizes, config.embedding_size
    if config.core == "hmlstm":
        core: torch.nn.Module = hmrnn.HMLSTM(
            columns,
            sizes,
            boundary=config.boundary,
            layer_norm=config.layer_norm,
            top_layer=config.top_layer,
            seed=seed,
        )
    else:
        kinds = {
            "lstm": hmrnn.LSTMCore,
            "layer-norm-lstm": hmrnn.LayerNormLSTM,
            "clockwork": hmrnn.ClockworkRNN,
        }
        core = kinds[config.core](columns, sizes, seed=seed)
    return hmrnn.CharLanguageModel(vocabulary_size, columns, core, config.output_size, seed=seed)


def run(
    config: LanguageConfig, *, seed: int, folder: Path, device: str = "cpu", progress: bool = True
) -> tuple[dict[str, Any], dict[str, str], float]:
    """Train, evaluate and describe one model; resumes from ``folder`` if the run was interrupted.

    Returns:
        The metrics, the hashes of the data, and the seconds spent (earlier sessions of the same run
        included).
    """
    processes = Processes.from_environment()
    corpus = load_corpus(config)
    valid = datasets.ContiguousRows(corpus.valid, rows=config.rows, length=config.length)

    def chunks_of_epoch(epoch: int) -> datasets.ContiguousRows:
        # A new offset each epoch, so that rows and chunks are not cut at the same places twice.
        spare = len(corpus.train) // (4 * config.rows)
        offset = 0 if epoch == 0 else int(np.random.default_rng([seed, epoch]).integers(spare))
        return datasets.ContiguousRows(corpus.train, rows=config.rows, length=config.length, offset=offset)

    model = build_model(config, len(corpus.vocabulary), seed=seed).to(device)
    log = hmrnn.train(
        model,
        chunks_of_epoch,
        valid,
        config.training,
        seed=seed,
        folder=folder,
        processes=processes,
        progress=progress,
    )
    if processes.first:
        save_model(folder / "model.safetensors", model, config, corpus.vocabulary.symbols)
    metrics, seconds = describe(model.eval(), corpus, seed=seed)
    best = min(log, key=lambda line: line["valid_bpc"])
    metrics |= training_metrics(log, best, "valid_bpc", "characters", ("train_bpc", "valid_bpc"))
    return metrics, dict(corpus.hashes), log[-1]["seconds"] + seconds


def describe(
    model: hmrnn.CharLanguageModel, corpus: datasets.Corpus, *, seed: int = 0
) -> tuple[dict[str, Any], float]:
    """Evaluate a model over the test stream (decision D6); return its metrics and the seconds this took."""
    began = perf_counter()
    score = hmrnn.evaluate_stream(model, corpus.test, seed=seed)
    metrics: dict[str, Any] = {
        "test_bpc": score.bits_per_character,
        "test_symbols": len(corpus.test),
        "parameters": sum(p.numel() for p in model.parameters()),
        "gates": score.gates.mean(0).astype(float).tolist(),
    }
    if score.boundaries is not None and score.operations is not None:
        metrics |= operation_metrics(score.operations) | {
            "boundary_rates": score.boundaries.mean(0).tolist(),
            "segmentation": segmentation(score.boundaries, corpus),
        }
    return metrics, perf_counter() - began


def gold_boundaries(corpus: datasets.Corpus) -> dict[str, NDArray[np.bool_]]:
    """Return every gold segmentation of the test text, ``(symbols - 1,)`` each, one value a symbol that
    is read.

    ``word`` is true at the last letter of a word (truth where the corpus knows it, else the letter
    before a separator). A reader from left to right learns that a word is over from the symbol behind
    it, so ``word, one later`` is scored beside it; likewise for phrases and sentences.
    """
    known: Mapping[str, NDArray[np.bool_]] = corpus.boundaries.get("test", {})
    ends = dict(known) if known else {"word": hmrnn.word_ends(corpus.vocabulary.decode(corpus.test))}
    later = {f"{name}, one later": np.r_[False, gold[:-1]] for name, gold in ends.items()}
    return {name: gold[:-1] for name, gold in (ends | later).items()}


def segmentation(boundaries: NDArray[np.bool_], corpus: datasets.Corpus, *, order: int = 5) -> dict[str, Any]:
    """Score boundaries ``(symbols - 1, layers - 1)`` on the test text against every gold segmentation.

    Returns:
        ``{gold: {"layer1": score, "random1": score, "entropy1": score, ..., "spaces": score}}``: beside
        each layer the expectation of random boundaries and the highest entropies of an n-gram model at
        the layer's own rate.
    """
    entropy = hmrnn.NgramEntropy(order).fit(corpus.train, len(corpus.vocabulary)).entropy(corpus.test[:-1])
    spaces = hmrnn.separators(corpus.vocabulary.decode(corpus.test[:-1]))
    scores: dict[str, Any] = {}
    for name, gold in gold_boundaries(corpus).items():
        found = {
            "spaces": hmrnn.boundary_score(spaces, gold),
            "entropy": hmrnn.boundary_score(hmrnn.peaks(entropy), gold),
        }
        for l, z in enumerate(boundaries.T, 1):
            rate = float(z.mean())
            found[f"layer{l}"] = hmrnn.boundary_score(z, gold)
            found[f"random{l}"] = hmrnn.random_score(rate, gold)
            found[f"entropy{l}"] = hmrnn.boundary_score(hmrnn.peaks(entropy, rate), gold)
        scores[name] = {rule: asdict(score) for rule, score in found.items()}
    return scores


def save_model(
    path: Path, model: hmrnn.CharLanguageModel, config: LanguageConfig, symbols: tuple[str, ...]
) -> None:
    """Write the weights with their settings and symbols to one safetensors file."""
    save_checkpoint(path, model.state_dict(), {"config": asdict(config), "symbols": list(symbols)})


def load_model(name: str | Path) -> tuple[hmrnn.CharLanguageModel, datasets.Vocabulary, LanguageConfig]:
    """Read a model: the name of a shipped checkpoint (``"hmrnn-language-ptb"``) or the path of a
    ``model.safetensors``.

    Raises:
        hsrnn.training.CheckpointError: if the file is not a model of this experiment.
    """
    tensors, settings, values = read_model(name, "hmrnn.language", ["symbols"])
    config = replace(PRESETS["smoke"], **settings)
    model = build_model(config, len(values["symbols"]))
    model.load_state_dict(tensors)
    return model.eval(), datasets.Vocabulary(tuple(values["symbols"])), config
