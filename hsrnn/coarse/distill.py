"""Data distillation by levels: one coarse-graining net, iterated, makes references that classify by looking.

A reconstruction (fact sheet B1) of an idea in the abstract of Yang, Xie and Yang (2023, arXiv 2211.01779):
"data distillation" that abstracts a data set at several levels into new pictures, which serve as references
for classification by similarity of embeddings. Level 0 is the data. The pictures of a class are shared out to
groups; the net G (:mod:`.coarsener`) turns a group into one picture; the SAME G is applied to what it made,
until one picture a class is left. The embedding net E (:mod:`.embedder`) is trained together with G: at every
level, real pictures must be most similar to the references of their own class.

Deviation T5: the loss, the networks, the sizes and the grouping are ours, since the paper's could not be
read. Decision T5 first thought of random groups; neighbours keep the variety of a class over the levels, and
did a little better on the validation part of the digits (:mod:`.coarsener` has both).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from hsrnn.training import CheckpointError, load_checkpoint, save_checkpoint

from .coarsener import Coarsener, Grouping, coarse_levels
from .embedder import Embedder
from .references import Similarity, class_scores, embedded, pictures_by_class


class Distiller(ClassifierMixin, BaseEstimator):
    """Distil labelled pictures into references at several levels, and classify by looking at them.

    Args:
        levels: references a class at each level, from many to few; each number divides the one before it.
        merge: real pictures that go into one reference of the first level.
        grouping: ``"near"`` (neighbours by pixels) or ``"random"``.
        similarity: of a class: the ``"max"`` or the ``"mean"`` of the cosines with its references.
        embedding: length of an embedding.
        width: channels of the first convolution of E; G has three quarters as many.
        steps: updates of the training.
        batch_size: real pictures that an update classifies.
        learning_rate: Adam's, with a cosine schedule.
        temperature: cosines are divided by it before the softmax.
        pull: weight of the squared distance between the embedding of a reference and the mean embedding of
            its group.
        random_state: seed of weights, groups and batches.
        device: where to train; what was learned is on the CPU afterwards.

    Attributes learned by :meth:`fit`:
        references_: for each level ``(classes, k, channels, height, width)`` float32 in [0, 1].
        classes_: ``(classes,)`` the labels.
        coarsener_, embedder_: the trained nets G and E.
        losses_: ``(steps,)`` training loss, nats.
    """

    def __init__(
        self,
        levels: tuple[int, ...] = (50, 10, 1),
        *,
        merge: int = 2,
        grouping: Grouping = "near",
        similarity: Similarity = "max",
        embedding: int = 32,
        width: int = 16,
        steps: int = 150,
        batch_size: int = 128,
        learning_rate: float = 0.003,
        temperature: float = 0.1,
        pull: float = 0.0,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.levels = levels
        self.merge = merge
        self.grouping = grouping
        self.similarity = similarity
        self.embedding = embedding
        self.width = width
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.pull = pull
        self.random_state = random_state
        self.device = device

    def fit(self, X: ArrayLike, y: ArrayLike) -> Distiller:
        """Train G and E together, then build the references of every level from one drawing of the data.

        Args:
            X: pictures ``(n, channels, height, width)`` in [0, 1].
            y: ``(n,)`` labels.

        Raises:
            ValueError: for pictures of another form or range, levels that do not divide each other, too few
                pictures in a class, or an option out of range.
        """
        images, labels = (tensor.to(self.device) for tensor in self._checked(X, y))
        by_class = pictures_by_class(images, labels)
        generator = torch.Generator().manual_seed(self.random_state)
        self.embedder_ = Embedder(images.shape[1:], self.embedding, width=self.width, seed=self.random_state)
        self.coarsener_ = Coarsener(images.shape[1], 3 * self.width // 4, seed=self.random_state + 1)
        self.embedder_.to(self.device)
        self.coarsener_.to(self.device)
        parameters = [*self.embedder_.parameters(), *self.coarsener_.parameters()]
        optimizer = torch.optim.Adam(parameters, self.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        self.losses_ = np.zeros(self.steps)
        for step in range(self.steps):
            chosen = torch.randperm(len(images), generator=generator)[: self.batch_size].to(self.device)
            loss = self._loss(self._draw(by_class, generator), images[chosen], labels[chosen], generator)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            self.losses_[step] = float(loss.detach())
        with torch.no_grad():
            made, _ = coarse_levels(
                self.coarsener_, self._draw(by_class, generator), self.levels, self.grouping, generator
            )
        self.references_ = tuple(level.cpu().numpy() for level in made)
        self.embedder_.cpu()
        self.coarsener_.cpu()
        return self

    def _loss(self, pool: Tensor, queries: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Cross-entropy of the true class, averaged over levels, and the pull towards each group's mean."""
        made, groups = coarse_levels(self.coarsener_, pool, self.levels, self.grouping, generator)
        query = self.embedder_(queries)
        loss = queries.new_zeros(())
        for images, group in zip(made, groups, strict=True):
            references = self.embed(images)
            logits = class_scores(query, references, self.similarity) / self.temperature
            loss = loss + functional.cross_entropy(logits, labels)
            if self.pull:
                target = self.embed(group).mean(2)
                loss = loss + self.pull * (references - target).square().sum(-1).mean()
        return loss / len(made)

    def _draw(self, by_class: list[Tensor], generator: torch.Generator) -> Tensor:
        """Draw level 0: as many pictures of every class as the first level takes, none twice."""
        count = self.levels[0] * self.merge
        return torch.stack([
            images[torch.randperm(len(images), generator=generator)[:count].to(images.device)]
            for images in by_class
        ])  # fmt: skip

    def embed(self, images: Tensor) -> Tensor:
        """Return E of pictures under any outer shape, ``(..., channels, height, width)``: ``(..., size)``."""
        return self.embedder_(images.flatten(0, -4)).unflatten(0, images.shape[:-3])

    def decision_function(self, X: ArrayLike, level: int = -1) -> NDArray[np.float32]:
        """Return the similarity of each picture to each class, ``(n, classes)`` in [-1, 1].

        Args:
            X: pictures ``(n, channels, height, width)`` in [0, 1].
            level: place in ``levels``; -1 is the last, the most abstract.

        Raises:
            sklearn.exceptions.NotFittedError: before :meth:`fit`.
            ValueError: for a level that does not exist, or pictures of another form.
        """
        check_is_fitted(self, "references_")
        if not -len(self.levels) <= level < len(self.levels):
            raise ValueError(
                f"level must be 0 to {len(self.levels) - 1}, or negative from the end, got {level}"
            )
        images = _images(X)
        if tuple(images.shape[1:]) != tuple(self.references_[0].shape[2:]):
            raise ValueError(
                f"pictures must have the shape {self.references_[0].shape[2:]}, got {tuple(images.shape[1:])}"
            )
        references = torch.from_numpy(self.references_[level])
        known = embedded(self.embedder_, references.flatten(0, 1)).unflatten(0, references.shape[:2])
        queries = embedded(self.embedder_, images)
        return torch.cat([class_scores(q, known, self.similarity) for q in queries.split(1000)]).numpy()

    def predict(self, X: ArrayLike, level: int = -1) -> NDArray[Any]:
        """Return the class whose references at ``level`` are most similar, ``(n,)``; see
        :meth:`decision_function`."""
        scores = self.decision_function(X, level)
        return self.classes_[scores.argmax(1)]

    def score(self, X: ArrayLike, y: ArrayLike, level: int = -1) -> float:
        """Return the accuracy of :meth:`predict` at ``level``, in [0, 1]."""
        return float((self.predict(X, level) == np.asarray(y)).mean())

    def save(self, path: Path | str) -> None:
        """Write everything that was learned to one safetensors file."""
        check_is_fitted(self, "references_")
        tensors = {f"references.{k}": torch.from_numpy(made) for k, made in enumerate(self.references_)}
        tensors |= {f"coarsener.{name}": tensor for name, tensor in self.coarsener_.state_dict().items()}
        tensors |= {f"embedder.{name}": tensor for name, tensor in self.embedder_.state_dict().items()}
        tensors["losses"] = torch.from_numpy(self.losses_)
        values = {"params": self.get_params(), "classes": self.classes_.tolist()}
        save_checkpoint(Path(path), tensors, values)

    @classmethod
    def load(cls, path: Path | str) -> Distiller:
        """Read back what :meth:`save` wrote.

        Raises:
            FileNotFoundError, CheckpointError: there is no such file, or it is not one of ours.
        """
        tensors, values = load_checkpoint(Path(path))
        try:
            params = values["params"]
            made = cls(**params | {"levels": tuple(params["levels"])})
            made.classes_ = np.array(values["classes"])
            made.references_ = tuple(tensors[f"references.{k}"].numpy() for k in range(len(made.levels)))
            made.losses_ = tensors["losses"].numpy()
            shape = made.references_[0].shape[2:]
            made.embedder_ = Embedder(shape, made.embedding, width=made.width)
            made.coarsener_ = Coarsener(shape[0], 3 * made.width // 4)
            for name, net in (("coarsener.", made.coarsener_), ("embedder.", made.embedder_)):
                own = {key.removeprefix(name): t for key, t in tensors.items() if key.startswith(name)}
                net.load_state_dict(own)
        except (KeyError, TypeError, RuntimeError) as error:
            raise CheckpointError(f"{path} holds no distiller ({error})") from error
        return made

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Tensor, Tensor]:
        """Return pictures and class numbers; set ``classes_``; refuse what cannot be distilled."""
        pairs = zip(self.levels, self.levels[1:])
        if not self.levels or self.levels[-1] < 1 or any(a % b or a <= b for a, b in pairs):
            raise ValueError(f"levels must fall, each dividing the one before it, got {self.levels}")
        for name in ("merge", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.temperature <= 0 or self.pull < 0:
            raise ValueError(
                f"temperature must be positive and pull not negative, got {self.temperature}, {self.pull}"
            )
        for name, allowed in (("grouping", ("near", "random")), ("similarity", ("max", "mean"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be {' or '.join(allowed)}, got {getattr(self, name)!r}")
        images = _images(X)
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        if numbers.shape != (len(images),):
            raise ValueError(f"there must be a label a picture, got {numbers.shape} for {len(images)}")
        fewest, needed = int(np.bincount(numbers).min()), self.levels[0] * self.merge
        if fewest < needed:
            raise ValueError(
                f"{self.levels[0]} references of {self.merge} pictures need {needed} pictures of every "
                f"class, got {fewest}; take fewer references or a smaller merge"
            )
        return images, torch.from_numpy(numbers.astype(np.int64))


def _images(X: ArrayLike) -> Tensor:
    """Return pictures as a tensor; refuse another form or range."""
    images = np.array(X, np.float32)
    if images.ndim != 4 or not len(images):
        raise ValueError(f"pictures must be (n, channels, height, width), n at least 1, got {images.shape}")
    low, high = float(images.min()), float(images.max())
    if not 0 <= low <= high <= 1:
        raise ValueError(f"pictures must lie between 0 and 1, got {low:.3g} to {high:.3g}; scale them")
    return torch.from_numpy(images)
