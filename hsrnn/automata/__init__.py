"""Automata: the finite state machine inside a recurrent network (Hou and Zhou, 2020, arXiv 1810.10708).

==============  ==================================================================================
``cells``       the equations of SRN, MGU, GRU and LSTM: 0, 1, 2 and 3 gates
``classifier``  :class:`SequenceClassifier`: does a word belong to a language?
``train``       the training loop
``sequences``   words as padded arrays of numbers
``languages``   regular languages: 0110, 000, Tomita's seven, any that a reader gives
``sampling``    balanced words to train and to test on
``automaton``   :class:`Automaton`: a dense table that reads many words at once
``partition``   minimising and comparing, on tables
``convert``     to and from automata-lib, AALpy, DOT, JSON and regular expressions
``points``      the hidden states of a network on many words
``clustering``  k-means and k-means-x
``lisor``       :class:`LISOR`: clusters become states, counts become transitions
``sweep``       LISOR for every k
``peers``       L*, KV and quantised states on the same networks
==============  ==================================================================================
"""

from .automaton import Automaton
from .cells import CELLS, GRU, LSTM, MGU, SRN, RecurrentCell
from .classifier import SequenceClassifier
from .clustering import PositionKMeans, kmeans
from .convert import (
    from_aalpy,
    from_automata_lib,
    from_json,
    from_regex,
    to_aalpy,
    to_automata_lib,
    to_dot,
    to_json,
    to_regex,
)
from .languages import BINARY, LANGUAGES, Language, containing, exactly, language
from .lisor import LISOR, LISORScore
from .peers import PeerResult, PoolOracle, learn, quantise
from .points import HiddenPoints, collect
from .sampling import Split, draw_words, sample, split
from .sequences import Sequences, decode, encode
from .sweep import Sweep, SweepRow, sweep
from .train import TrainingConfig, TrainingResult, train

__all__ = [
    "BINARY",
    "CELLS",
    "GRU",
    "LANGUAGES",
    "LISOR",
    "LSTM",
    "MGU",
    "SRN",
    "Automaton",
    "HiddenPoints",
    "LISORScore",
    "Language",
    "PeerResult",
    "PoolOracle",
    "PositionKMeans",
    "RecurrentCell",
    "SequenceClassifier",
    "Sequences",
    "Split",
    "Sweep",
    "SweepRow",
    "TrainingConfig",
    "TrainingResult",
    "collect",
    "containing",
    "decode",
    "draw_words",
    "encode",
    "exactly",
    "from_aalpy",
    "from_automata_lib",
    "from_json",
    "from_regex",
    "kmeans",
    "language",
    "learn",
    "quantise",
    "sample",
    "split",
    "sweep",
    "to_aalpy",
    "to_automata_lib",
    "to_dot",
    "to_json",
    "to_regex",
    "train",
]
