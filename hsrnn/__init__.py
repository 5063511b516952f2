"""Interpretable, hierarchical structure in neural networks: the implementations behind the book.

Each room (``hsrnn.hmrnn``, ...) holds one paper and can be imported alone.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
