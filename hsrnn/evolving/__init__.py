"""Merges: the structure-evolving LSTM (Liang et al., CVPR 2017, arXiv 1703.03055).

===============  =================================================================================
``graph``        :class:`Graph`: nodes and edges; several graphs as one disjoint union
``superpixels``  an image as a graph of superpixels, and back to the pixels
``scores``       intersection over union, pixel accuracy
``orders``       in which order nodes are visited: by confidence, by search, at random
``schedule``     the waves of nodes that can be updated together
``graph_lstm``   the equations: :class:`GraphLSTM`, one node at a time and in waves
``waves``        the waves forward and backward by hand
``merging``      merging probabilities and their loss; :func:`coarsen`, :func:`merge`, :func:`unmerge`
``proposals``    five ways to propose merges
``acceptance``   four ways to accept or reject them
``evolution``    :func:`evolve`: one level up, with a log of all proposals
``hierarchy``    :class:`Hierarchy`: the levels, to be cut, compared and spread back
``chain``        a reversible chain over partitions by the same proposals and acceptance
``backbone``     :class:`SmallUNet`: from an image to a feature map
``edge_pooling`` the hierarchy to compare with
``config``       :class:`ParserConfig`: what a network is made of
``model``        :class:`Parser`: the whole network and its baselines
``control``      :class:`Twin`: as many merges as another network makes, elsewhere
``examples``     :class:`Examples`: labelled images with their superpixels, in batches
``train``        :func:`train`: the loop, resumable at any moment
``evaluation``   :func:`evaluate`: scores beside the ceiling, and what every level is like
``exact``        all partitions of a small graph: how far a rule is from the Gibbs distribution
===============  =================================================================================
"""

from .acceptance import accept, log_transition
from .backbone import SmallUNet
from .chain import PartitionChain, blocks_in_order
from .config import ParserConfig
from .control import Twin, guided_groups
from .edge_pooling import EdgePooling
from .evaluation import Evaluation, LevelScore, evaluate
from .evolution import MergeLog, MergeRule, evolve
from .exact import (
    Bias,
    bias,
    gibbs,
    one_way_bias,
    partitions,
    stationary,
    total_variation,
    transition_matrix,
)
from .examples import Batch, Examples, examples, mirrored
from .graph import Graph, canonical, components, graph_from_edges, union
from .graph_lstm import GraphLSTM, NodeState
from .hierarchy import Agreement, Hierarchy, compare
from .merging import MergeScore, coarsen, merge, merge_loss, unmerge
from .model import Parser, ParserOutput, matched, parameters
from .orders import confidence_order, perturbed_order, random_order, search_order
from .proposals import Proposal, at_random, first_merges, match, merges, propose, sample_edges
from .schedule import Schedule, depths, schedule
from .scores import Score, confusion, score
from .superpixels import Superpixels, ceiling, from_map, majority, stack, superpixels
from .train import TrainingConfig, optimizer_of, train

__all__ = [
    "Agreement",
    "Batch",
    "Bias",
    "EdgePooling",
    "Evaluation",
    "Examples",
    "Graph",
    "GraphLSTM",
    "Hierarchy",
    "LevelScore",
    "MergeLog",
    "MergeRule",
    "MergeScore",
    "NodeState",
    "Parser",
    "ParserConfig",
    "ParserOutput",
    "PartitionChain",
    "Proposal",
    "Schedule",
    "Score",
    "SmallUNet",
    "Superpixels",
    "TrainingConfig",
    "Twin",
    "accept",
    "at_random",
    "bias",
    "blocks_in_order",
    "canonical",
    "ceiling",
    "coarsen",
    "compare",
    "components",
    "confidence_order",
    "confusion",
    "depths",
    "evaluate",
    "evolve",
    "examples",
    "first_merges",
    "from_map",
    "gibbs",
    "graph_from_edges",
    "guided_groups",
    "log_transition",
    "majority",
    "match",
    "matched",
    "merge",
    "merge_loss",
    "merges",
    "mirrored",
    "one_way_bias",
    "optimizer_of",
    "parameters",
    "partitions",
    "perturbed_order",
    "propose",
    "random_order",
    "sample_edges",
    "schedule",
    "score",
    "search_order",
    "stack",
    "stationary",
    "superpixels",
    "total_variation",
    "train",
    "transition_matrix",
    "union",
    "unmerge",
]
