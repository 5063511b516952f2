"""Boundaries: the hierarchical multiscale LSTM (Chung, Ahn and Bengio, ICLR 2017, arXiv 1609.01704).

====================== =============================================================================
``cell``               the equations: one step of one layer
``model``              :class:`HMLSTM`, the stack unrolled over time
``fast``               the same for a whole chunk at once, without what COPY makes superfluous
``cores``              baselines with the same interface: LSTM, layer-norm LSTM, clockwork RNN
``language``           :class:`CharLanguageModel` with the gated output module; :func:`generate`
``train``              the training loop over chunks of text
``evaluate``           bits per character, in rows or over one stream
``handwriting``        :class:`HandwritingModel`, the same for a pen; :func:`draw_line`
``mixture``            the density of the next movement
``handwriting_train``  the training loop on whole lines
``descent``            what both loops share: :class:`Descent`, resumable at any moment
``boundaries``         operations counted, segments as a tree, scores against gold boundaries
====================== =============================================================================
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
from .descent import CollapseWarning, Descent, TrainingConfig
from .evaluate import RowsScore, StreamScore, evaluate_rows, evaluate_stream
from .fast import fast_forward
from .fast_step import Stepper, fast_generate
from .handwriting import (
    DrawnLine,
    HandwritingModel,
    HandwritingOutput,
    LinesScore,
    draw_line,
    evaluate_lines,
    padded,
)
from .handwriting_train import train_handwriting
from .language import CharLanguageModel, GatedOutput, LanguageOutput, generate
from .mixture import StrokeMixture, mixture_of
from .model import HMLSTM, CoreOutput, Embedded, detach, operations_of
from .train import train

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
    "Descent",
    "DrawnLine",
    "Embedded",
    "GatedOutput",
    "HMLSTMCell",
    "HandwritingModel",
    "HandwritingOutput",
    "LSTMCore",
    "LanguageOutput",
    "LayerNormLSTM",
    "LinesScore",
    "NgramEntropy",
    "OperationCounts",
    "RowsScore",
    "Segment",
    "Stepper",
    "StreamScore",
    "StrokeMixture",
    "TrainingConfig",
    "boundary_score",
    "count_operations",
    "detach",
    "draw_line",
    "evaluate_lines",
    "evaluate_rows",
    "evaluate_stream",
    "fast_forward",
    "fast_generate",
    "generate",
    "hard_sigmoid",
    "mixture_of",
    "operations_of",
    "padded",
    "peaks",
    "random_score",
    "sample_boundary",
    "segment_tree",
    "separators",
    "soft_boundary",
    "step_boundary",
    "train",
    "train_handwriting",
    "word_ends",
]
