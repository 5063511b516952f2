"""Boundaries: the hierarchical multiscale LSTM (Chung, Ahn and Bengio, ICLR 2017, arXiv 1609.01704).

==================  =============================================================================
``cell``            the equations: one step of one layer
``model``           :class:`HMLSTM`, the stack unrolled over time
``fast``            the same for a whole chunk at once, without what COPY makes superfluous
``cores``           baselines with the same interface: LSTM, layer-norm LSTM, clockwork RNN
``language``        :class:`CharLanguageModel` with the gated output module; :func:`generate`
``train``           the training loop
``evaluate``        bits per character, in rows or over one stream
``boundaries``      operations counted, segments as a tree, scores against gold boundaries
==================  =============================================================================
"""

from .boundaries import (
    BoundaryScore,
    NgramEntropy,
    OperationCounts,
    Segment,
    boundary_score,
    count_operations,
    peaks,
    random_score,
    segment_tree,
    separators,
    word_ends,
)
from .cell import (
    COPY,
    FLUSH,
    OPERATION_NAMES,
    UPDATE,
    CellState,
    HMLSTMCell,
    hard_sigmoid,
    sample_boundary,
    soft_boundary,
    step_boundary,
)
from .cores import ClockworkRNN, LayerNormLSTM, LSTMCore
from .evaluate import RowsScore, StreamScore, evaluate_rows, evaluate_stream
from .fast import fast_forward
from .fast_step import Stepper, fast_generate
from .language import CharLanguageModel, GatedOutput, LanguageOutput, generate
from .model import HMLSTM, CoreOutput, detach, operations_of
from .train import CollapseWarning, TrainingConfig, train

__all__ = [
    "COPY",
    "FLUSH",
    "HMLSTM",
    "OPERATION_NAMES",
    "UPDATE",
    "BoundaryScore",
    "CellState",
    "CharLanguageModel",
    "ClockworkRNN",
    "CollapseWarning",
    "CoreOutput",
    "GatedOutput",
    "HMLSTMCell",
    "LSTMCore",
    "LanguageOutput",
    "LayerNormLSTM",
    "NgramEntropy",
    "OperationCounts",
    "RowsScore",
    "Segment",
    "Stepper",
    "StreamScore",
    "TrainingConfig",
    "boundary_score",
    "count_operations",
    "detach",
    "evaluate_rows",
    "evaluate_stream",
    "fast_forward",
    "fast_generate",
    "generate",
    "hard_sigmoid",
    "operations_of",
    "peaks",
    "random_score",
    "sample_boundary",
    "segment_tree",
    "separators",
    "soft_boundary",
    "step_boundary",
    "train",
    "word_ends",
]
