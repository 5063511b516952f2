"""Merges: the structure-evolving LSTM (Liang et al., CVPR 2017, arXiv 1703.03055).

===============  =================================================================================
``graph``        :class:`Graph`: nodes and edges; several graphs as one disjoint union
``superpixels``  an image as a graph of superpixels, and back to the pixels
``scores``       intersection over union, pixel accuracy
``orders``       in which order nodes are visited: by confidence, by search, at random
``schedule``     the waves of nodes that can be updated together
``graph_lstm``   the equations: :class:`GraphLSTM`, one node at a time and in waves
``waves``        the waves forward and backward by hand
===============  =================================================================================
"""

from .graph import Graph, components, graph_from_edges, union
from .graph_lstm import GraphLSTM, NodeState
from .orders import confidence_order, perturbed_order, random_order, search_order
from .schedule import Schedule, depths, schedule
from .scores import Score, confusion, score
from .superpixels import Superpixels, ceiling, from_map, majority, stack, superpixels

__all__ = [
    "Graph",
    "GraphLSTM",
    "NodeState",
    "Schedule",
    "Score",
    "Superpixels",
    "ceiling",
    "components",
    "confidence_order",
    "confusion",
    "depths",
    "from_map",
    "graph_from_edges",
    "majority",
    "perturbed_order",
    "random_order",
    "schedule",
    "score",
    "search_order",
    "stack",
    "superpixels",
    "union",
]
