"""Every picture of the book: matplotlib functions that return a `Picture`, and living figures.

Pictures take plain numpy arrays and display themselves as one image with a text alternative made from the
same arrays. Living figures are small ES modules that run in JupyterLab and on the built page alike; `living`
tells how.
"""

from hsrnn.figures.automata_results import plot_intervals, plot_sweep
from hsrnn.figures.automata_walk import Automaton
from hsrnn.figures.automaton import plot_automaton
from hsrnn.figures.boundaries import Boundaries
from hsrnn.figures.coarse_results import plot_sizes
from hsrnn.figures.handwriting import Handwriting, plot_handwriting
from hsrnn.figures.hidden_states import plane, plot_hidden_states, project
from hsrnn.figures.living import LivingFigure
from hsrnn.figures.merges import Merges
from hsrnn.figures.operations import plot_gates, plot_operation_table, plot_operations, plot_segment_tree
from hsrnn.figures.partitions import plot_partitions, plot_percolation
from hsrnn.figures.references import plot_iterated, plot_looking, plot_references
from hsrnn.figures.regions import borders, plot_graph, plot_levels, plot_nodes, plot_waves
from hsrnn.figures.results import plot_scores, plot_training
from hsrnn.figures.reviews import Reviews
from hsrnn.figures.scenes import (
    plot_by_size,
    plot_days,
    plot_hours,
    plot_rooms,
    plot_vector,
    plot_windows,
)
from hsrnn.figures.seeds import plot_seeds
from hsrnn.figures.sketch_curves import plot_curves, plot_roc
from hsrnn.figures.sketch_memory import SketchMemory, plot_sketch_memory
from hsrnn.figures.straight_through import StraightThrough, plot_straight_through
from hsrnn.figures.style import PALETTE, Picture
from hsrnn.figures.taylor import plot_degrees, plot_grids, plot_orders, plot_shares
from hsrnn.figures.taylor_orders import TaylorOrders, plot_taylor_orders
from hsrnn.figures.ten_letters import TenLetterMachine
from hsrnn.figures.weights import pack, unpack

__all__ = [
    "PALETTE",
    "Automaton",
    "Boundaries",
    "Handwriting",
    "LivingFigure",
    "Merges",
    "Picture",
    "Reviews",
    "SketchMemory",
    "StraightThrough",
    "TaylorOrders",
    "TenLetterMachine",
    "borders",
    "pack",
    "plane",
    "plot_automaton",
    "plot_by_size",
    "plot_curves",
    "plot_days",
    "plot_degrees",
    "plot_gates",
    "plot_graph",
    "plot_grids",
    "plot_handwriting",
    "plot_hidden_states",
    "plot_hours",
    "plot_intervals",
    "plot_iterated",
    "plot_levels",
    "plot_looking",
    "plot_nodes",
    "plot_operation_table",
    "plot_operations",
    "plot_orders",
    "plot_partitions",
    "plot_percolation",
    "plot_references",
    "plot_roc",
    "plot_rooms",
    "plot_scores",
    "plot_seeds",
    "plot_segment_tree",
    "plot_shares",
    "plot_sizes",
    "plot_sketch_memory",
    "plot_straight_through",
    "plot_sweep",
    "plot_taylor_orders",
    "plot_training",
    "plot_vector",
    "plot_waves",
    "plot_windows",
    "project",
    "unpack",
]
