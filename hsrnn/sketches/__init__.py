"""Recursive sketches: one vector that remembers how a network of modules understood its input.

Source: Ghazi, Panigrahy and Wang, *Recursive Sketches for Modular Deep Learning* (ICML 2019, arXiv
1905.12730).

This room is an empirical study of the theorems, from a reconstruction: the body of the paper could not be
read, and what stands here follows its abstract, slides and public descriptions. The constants are parameters,
no formula has been checked against the paper, and nothing here is a reproduction of it.

=================  ====================================================================================
``streams``        random bits from a name: the same on every machine, in every year
``matrices``       R and R^T as operators: Haar, randomised Hadamard; T(R) = (I + R) / 2
``blocks``         the block-sparse distribution D(b, q, d)
``family``         R_M,0, R_M,1, R_M,2 of every module and R_p of every position, from one seed
``modular``        objects, weights, trees and DAGs; effective weights
``recorder``       the forward pass of a torch network as trees of objects
``mechanism``      every constant of a sketch, and the bound of T2.iii
``recursion``      tuple, attribute, input, object and overall sketch: the equations
``sketch``         the same for many trees at once, and its transpose; merging, erasing (T4)
``files``          sketches in a file
``signatures``     tags that tell the very same object from a like one
``gains``          coefficients of decoding, from the recursion's own ways
``recover``        attributes, counts, sums, similarity by projection (T1, T2, T3), with error bars
``solve``          least squares and matching pursuit on a known tree
``dictionary``     unknown block-sparse matrices from samples, level by level (T5)
``repository``     sketches on disk: add, query, reload after a crash
``concepts``       clusters of sketches, named by their members
``scene_network``  a small network of modules that reads rooms with digits: strokes -> digits -> scene
``scene_train``    its training, and how well it reads
``scene_trees``    its forward pass as trees, and attributes taken apart
``written``        the map of one structure as a matrix, for many trees of it
=================  ====================================================================================
"""

from .blocks import BlockCode, BlockSparse
from .concepts import Concept, concepts
from .dictionary import BlockDictionary, Level, Recovery, expected_recovery, learn_recursively
from .family import Family, Matrices
from .files import Stored, load_sketches, save_sketches
from .gains import chain_way, expected_similarity, gain, overlap, ways
from .matrices import Dense, Haar, Hadamard, Operator, Transparent, walsh_hadamard
from .mechanism import Mechanism, SketchError
from .modular import OVERALL, Forest, Object, bounded, overall, split_signs
from .recorder import Recorder
from .recover import Decoder, Estimate
from .recursion import Path, Paths, Recursion, Vectors
from .repository import Hits, Repository
from .scene_network import Places, SceneNetwork, SceneSizes
from .scene_train import SceneBatch, SceneScores, SceneTraining, score_scenes, train_scenes
from .scene_trees import DigitsRead, digits_read, record_scenes, scene_tree, scenes_read
from .signatures import Signature
from .sketch import Erased, Sketcher, erase, merge
from .solve import Solution, least_squares, pursuit
from .written import WrittenOut

__all__ = [
    "OVERALL",
    "BlockCode",
    "BlockDictionary",
    "BlockSparse",
    "Concept",
    "Decoder",
    "Dense",
    "DigitsRead",
    "Erased",
    "Estimate",
    "Family",
    "Forest",
    "Haar",
    "Hadamard",
    "Hits",
    "Level",
    "Matrices",
    "Mechanism",
    "Object",
    "Operator",
    "Path",
    "Paths",
    "Places",
    "Recorder",
    "Recovery",
    "Recursion",
    "Repository",
    "SceneBatch",
    "SceneNetwork",
    "SceneScores",
    "SceneSizes",
    "SceneTraining",
    "Signature",
    "SketchError",
    "Sketcher",
    "Solution",
    "Stored",
    "Transparent",
    "Vectors",
    "WrittenOut",
    "bounded",
    "chain_way",
    "concepts",
    "digits_read",
    "erase",
    "expected_recovery",
    "expected_similarity",
    "gain",
    "learn_recursively",
    "least_squares",
    "load_sketches",
    "merge",
    "overall",
    "overlap",
    "pursuit",
    "record_scenes",
    "save_sketches",
    "scene_tree",
    "scenes_read",
    "score_scenes",
    "split_signs",
    "train_scenes",
    "walsh_hadamard",
    "ways",
]
