# %% [markdown]
# # The cell: learning a decision that has no slope
#
# **One step of one layer, equation by equation. And: how can gradient descent learn a switch that is
# either 0 or 1?**
#
# [The idea](01-the-idea.ipynb) was three operations chosen by two boundaries. Here are the equations,
# each beside the code that the package runs: every listing on this page is read from the installed
# package when the page is made, so it cannot differ from what you import. The numbers of the equations
# are those in the table at the head of `hsrnn/hmrnn/cell.py`.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## The pre-activation (Eq. 4 to 7)
#
# A layer of $n$ units first adds up what it hears. The sum $s$ has $4n + 1$ entries: $n$ each for the
# three gates $f$, $i$, $o$ and the candidate $g$, and one for the boundary.
#
# $$
# s \;=\; \underbrace{U h^{\ell}_{t-1}}_{\text{itself}}
# \;+\; \underbrace{z^{\ell}_{t-1}\; V h^{\ell+1}_{t-1}}_{\text{the layer above}}
# \;+\; \underbrace{z^{\ell-1}_{t}\; W h^{\ell-1}_{t}}_{\text{the layer below}}
# \;+\; b
# $$
#
# A layer always hears itself. It hears the layer above only at the letter after its own boundary, and the
# layer below only where that one has just finished something.

# %%
import inspect
import re
from pathlib import Path
from textwrap import dedent
from unittest.mock import patch

import numpy as np
import torch
from IPython.display import Markdown, display

import hsrnn
from hsrnn import datasets, exercises, figures, hmrnn
from hsrnn.hmrnn import cell as equations

torch.set_num_threads(1)  # networks this small run fastest on one thread
torch.set_default_dtype(torch.float64)
show = lambda thing: Markdown(f"```python\n{dedent(inspect.getsource(thing))}```")
show(hmrnn.HMLSTMCell.preactivation)

# %% [markdown]
# Let us do it by hand, with two units, two inputs, two units above, and weights rounded to one digit. We
# spell out the first entry of $s$, and compare all nine with the package.

# %%
draws = torch.Generator().manual_seed(2)
unit = hmrnn.HMLSTMCell(2, 2, 2, generator=draws)
for weight in (unit.recurrent, unit.top_down, unit.bottom_up, unit.bias):
    weight.data = (0.8 * torch.randn(weight.shape, generator=draws)).round(decimals=1)
unit.requires_grad_(False)
U, V = unit.recurrent.numpy(), unit.top_down.numpy()
W, b = unit.bottom_up.numpy(), unit.bias.numpy()

h, c = np.array([0.5, -0.2]), np.array([0.9, -0.4])  # this layer, one step ago
above, below = np.array([0.3, 0.7]), np.array([1.0, -1.0])
first = (
    (U[0, 0] * h[0] + U[0, 1] * h[1])  # itself
    + 1 * (V[0, 0] * above[0] + V[0, 1] * above[1])  # above: our boundary was 1
    + 0 * (W[0, 0] * below[0] + W[0, 1] * below[1])  # below: its boundary is 0
    + b[0]
)
row = lambda *values: torch.tensor([values])  # a batch of one
state = hmrnn.CellState(row(*h), row(*c), row(1.0))
print("first rows: U", U[0], " V", V[0], " W", W[0], " b", b[0])

s = unit.preactivation(row(*below), row(0.0), state, row(*above)).numpy()[0]
assert abs(s[0] - first) < 1e-12
assert np.abs(s - (U @ h + V @ above + b)).max() < 1e-12
print(f"s[0] by hand: {first:.2f}")
print("s by the package:", s.round(2))

# %% [markdown]
# ## Gates, and the three operations (Eq. 2 to 4)
#
# The gates are those of any LSTM: $f, i, o = \sigma(\cdot)$ and $g = \tanh(\cdot)$ of their parts of $s$.
# Then the operation decides what becomes of the memory $c$ and of the output $h$:
#
# $$
# c_t = \begin{cases} c_{t-1} & \text{COPY} \\ f \odot c_{t-1} + i \odot g & \text{UPDATE} \\
# i \odot g & \text{FLUSH} \end{cases}
# \qquad\qquad
# h_t = \begin{cases} h_{t-1} & \text{COPY} \\ o \odot \tanh(c_t) & \text{else} \end{cases}
# $$

# %%
display(*map(show, (unit.gates, equations.select_cell, equations.select_hidden)))

# %% [markdown]
# The listing has no `if`. It multiplies the three outcomes by three numbers that are products of boundaries,
#
# $$
# \text{flush} = z^{\ell}_{t-1}, \qquad
# \text{update} = (1 - z^{\ell}_{t-1})\, z^{\ell-1}_t, \qquad
# \text{copy} = (1 - z^{\ell}_{t-1})(1 - z^{\ell-1}_t),
# $$
#
# of which exactly one is 1. Why it is done in this roundabout way is the main point of this chapter;
# first let us see that it gives what the case distinction gives. Here is the whole step by hand, with
# `if`, for the four pairs of boundaries.

# %%
sigmoid = lambda v: 1 / (1 + np.exp(-v))

for own, lower in ((0, 0), (0, 1), (1, 0), (1, 1)):
    s = U @ h + own * (V @ above) + lower * (W @ below) + b
    f, i, o, g = sigmoid(s[0:2]), sigmoid(s[2:4]), sigmoid(s[4:6]), np.tanh(s[6:8])
    operation = "FLUSH" if own else "UPDATE" if lower else "COPY"
    c_new = {"COPY": c, "UPDATE": f * c + i * g, "FLUSH": i * g}[operation]
    h_new = h if operation == "COPY" else o * np.tanh(c_new)
    z_new = 1.0 if s[8] > 0 else 0.0

    state = hmrnn.CellState(row(*h), row(*c), row(float(own)))
    package, s_z = unit(row(*below), row(float(lower)), state, row(*above))
    for ours, theirs in zip((h_new, c_new, z_new, s[8]), (*package, s_z)):
        assert np.abs(ours - theirs.numpy()[0]).max() < 1e-12
    numbers = f"c {c_new.round(3)}  h {h_new.round(3)}  z {z_new:.0f}"
    print(f"own {own}, below {lower}: {operation:6}  {numbers}")

# %% [markdown]
# ### Why three terms
#
# The authors' later code has a shorter sum,
# $c_t = ig + \text{copy} \cdot (c_{t-1} - ig) + \text{update} \cdot f c_{t-1}$. In exact arithmetic it is
# the same. In floating point $ig + (c - ig)$ need not give $c$ back. Here are 10,000 random entries in
# single precision, all of them under COPY, for memory cells of three sizes.

# %%
draws = torch.Generator().manual_seed(0)
numbers = torch.randn(4, 10_000, 1, generator=draws, dtype=torch.float32)
f, i, g, old = numbers[0].sigmoid(), numbers[1].sigmoid(), numbers[2].tanh(), numbers[3]
flush, update, copy = 0 * old, 0 * old, 0 * old + 1

for size in (1.0, 0.3, 0.1):
    c_old = size * old
    three_terms = equations.select_cell(flush, update, copy, f, i, g, c_old)
    factored = i * g + copy * (c_old - i * g) + update * f * c_old
    ours, theirs = ((new == c_old).double().mean() for new in (three_terms, factored))
    print(f"cells of size {size:g}: exact in three terms {ours:.0%}, factored {theirs:.0%}")
    assert ours == 1 and theirs < 0.85 and (factored - c_old).abs().max() < 1e-6

# %% [markdown]
# The shorter form moves a good part of the entries by a rounding error, the more the smaller the memory
# is beside $ig$. That is harmless for accuracy, but then COPY is no longer "nothing happens", and a
# program that skips copied steps would compute something else than one that does not. The package takes
# the three terms, and a test holds it to the last bit.
#
# ## The boundary
#
# The last entry of $s$, call it $s_z$, decides whether the layer's piece of text has ended. It goes through a
# *hard sigmoid*, a straight line cut off at 0 and 1, and from there through a step:
#
# $$
# \tilde z = \min\Bigl(1, \max\Bigl(0, \frac{a\, s_z + 1}{2}\Bigr)\Bigr),
# \qquad
# z = \begin{cases} 1 & \tilde z > 0.5 \\ 0 & \text{else.} \end{cases}
# $$
#
# $a$ is called the *slope*. Since $\tilde z > 0.5$ just where $s_z > 0$, it has no influence on $z$ whatever.
#
# The step is flat on both sides, so its derivative is zero wherever it has one, and gradient descent
# learns nothing through it. The **straight-through estimator** is a deliberate lie: forward the step,
# backward the derivative of the hard sigmoid, as if the step were not there. That derivative is $a/2$
# where $|s_z| < 1/a$, and zero outside.

# %%
for thing in (hmrnn.hard_sigmoid, equations._StraightThrough, hmrnn.step_boundary):
    display(show(thing))

# %% [markdown]
# Does it do what it says? For three slopes, compare the gradient that the package passes back with $a/2$
# in the band, and with the gradient that autograd finds for the hard sigmoid itself.

# %%
points = torch.tensor([-1.2, -0.9, -0.4, -0.1, 0.1, 0.4, 0.9, 1.2], requires_grad=True)
assert not (points > 0).double().requires_grad  # the bare step has no derivative for torch

print("     s  ", "".join(f"{value:7.1f}" for value in points.tolist()))
for slope in (1.0, 2.0, 5.0):
    step, line = hmrnn.step_boundary(points, slope), hmrnn.hard_sigmoid(points, slope)
    (passed,) = torch.autograd.grad(step.sum(), points)
    (of_hard_sigmoid,) = torch.autograd.grad(line.sum(), points)
    analytic = torch.where(points.abs() < 1 / slope, slope / 2, 0.0)
    assert torch.equal(passed, analytic) and torch.equal(passed, of_hard_sigmoid)
    print(f"slope {slope:g} ", "".join(f"{value:7.1f}" for value in passed.tolist()))

# %%
figures.plot_straight_through((1.0, 2.0, 5.0))

# %% [markdown]
# A steep hard sigmoid looks more like the step, so the lie is smaller; but the band in which anything is
# learnt at all gets narrow. A boundary whose $s_z$ has left the band is frozen until other weights bring
# it back. The paper starts with $a = 1$ and makes it steeper while training (*slope annealing*): by 0.04
# per epoch, up to 5.
#
# Drag the point, move the slope, and look at what goes forward and what comes back.

# %%
figures.StraightThrough(slope=1.0, s=0.4)

# %% [markdown]
# Because the slope is invisible in the forward pass, a schedule that is never applied goes unnoticed: the
# loss, the boundaries and the text are what they would be anyway. One has to look at the gradient. (In
# one version of the authors' later code the schedule indeed never reaches the cell.)

# %%
corpus = datasets.load("generated", length=2_000)
stream = torch.from_numpy(corpus.train[:51].astype(np.int64))[None]
codes, targets = stream[:, :-1], stream[:, 1:]
symbols = len(corpus.vocabulary)
make = lambda seed, **options: hmrnn.CharLanguageModel(
    symbols, 16, hmrnn.HMLSTM(16, (64, 64, 64), seed=seed, **options), 64, seed=seed
)

model, losses, norms = make(0), [], []
for model.core.slope in (1.0, 5.0):
    model.zero_grad()
    loss, _, _ = model.loss(codes, targets)
    loss.backward()
    losses.append(loss.item())
    norms.append(model.core.cells[0].recurrent.grad[-1].norm().item())  # of z's row
    print(f"slope {model.core.slope:g}: loss {loss:.4f}, gradient {norms[-1]:.5f}")
assert losses[0] == losses[1] and abs(norms[0] / norms[1] - 1) > 0.1

# %% [markdown]
# ## Step, sample or soft
#
# The paper tries two other ways to get from $\tilde z$ to $z$. *Sampling* draws 1 with probability
# $\tilde z$; it passes back the same gradient. *Soft* uses $\tilde z$ itself: an honest gradient, but
# then no operation is chosen any more, all three are mixed.

# %%
values = torch.tensor([-1.5, -0.5, 0.0, 0.5, 1.5], requires_grad=True)
draws = torch.Generator().manual_seed(0)
drawn = hmrnn.sample_boundary(values.expand(20_000, -1), generator=draws)
rows = {
    "step": hmrnn.step_boundary(values),
    "sample, on average": drawn.mean(0),
    "soft": hmrnn.soft_boundary(values),
}
assert torch.allclose(drawn.mean(0), hmrnn.hard_sigmoid(values), atol=0.015)
assert set(drawn.unique().tolist()) == {0, 1}
for name, z in rows.items():
    (gradient,) = torch.autograd.grad(z.sum(), values)
    numbers = [" ".join(f"{v:.2f}" for v in each.tolist()) for each in (z, gradient)]
    print(f"{name:18} z {numbers[0]}   gradient {numbers[1]}")

# %% [markdown]
# What this means for the memory is seen at once in an untrained network: with soft boundaries no letter
# leaves layer 2 exactly as it was.

# %%
copied = {}
with torch.no_grad():
    for kind in ("step", "sample", "soft"):
        draws = torch.Generator().manual_seed(0)
        output, _ = make(0, boundary=kind)(codes, generator=draws)
        hidden = output.core.hidden[1][0]
        copied[kind] = (hidden[1:] == hidden[:-1]).all(1).double().mean().item()
        print(f"{kind:6}: layer 2 unchanged at {copied[kind]:.0%} of the letters")
assert copied["soft"] == 0 < min(copied["step"], copied["sample"])

# %% [markdown]
# ## The pitfall: choosing with `where`
#
# Now to the roundabout sum. The obvious way to write a choice between three tensors is `torch.where`, and
# several public implementations of this paper do so. It gives the same numbers. But `where` tells
# autograd nothing about its condition: no gradient flows from *which operation was chosen* back to the
# boundaries. They then learn only through the two places where $z$ multiplies something in the
# pre-activation. Nothing tells them what it is worth to keep a memory or to erase it.
#
# Let us measure it. We swap the two selection functions of the package for `where`, leave everything else
# alone, and compare the gradients in the row that makes $s_z$ (of $U$, $V$, $W$ and $b$ together), for
# five networks with random weights.

# %%
cell_by_where = lambda flush, update, copy, f, i, g, cell: torch.where(
    flush == 1, i * g, torch.where(update == 1, f * cell + i * g, cell)
)
hidden_by_where = lambda copy, o, squashed, hidden: torch.where(
    copy == 1, hidden, o * squashed
)
by_sum = dict(select_cell=equations.select_cell, select_hidden=equations.select_hidden)
by_where = dict(select_cell=cell_by_where, select_hidden=hidden_by_where)
z_row = lambda cell: torch.cat([weight.grad[-1].flatten() for weight in cell.parameters()])

print("               layer 1                      layer 2")
print("seed    sum  where  cosine          sum  where  cosine")
for seed in range(5):
    found, model = [], make(seed)
    for selection in (by_sum, by_where):
        with patch.multiple(equations, **selection):
            model.zero_grad()
            loss, _, _ = model.loss(codes, targets)
            loss.backward()
        found.append((loss.item(), [z_row(cell) for cell in model.core.cells[:2]]))
    (loss_sum, with_sum), (loss_where, with_where) = found
    assert abs(loss_sum - loss_where) < 1e-12
    line = f"{seed}   "
    for a, b in zip(with_sum, with_where):
        cosine = torch.cosine_similarity(a, b, 0)
        line += f"  {1000 * a.norm():5.2f}  {1000 * b.norm():5.2f}   {cosine:5.2f}      "
    print(line.rstrip())

# %% [markdown]
# (Norms in thousandths.) The losses agree, and the gradients do not: with `where` most of them are
# several times shorter, and in layer 2 they point elsewhere, some of them even to the opposite side. No
# test of the forward pass can notice.
#
# ### Which of the two is right?
#
# Both are estimates, since the true derivative is zero. But one can ask what a gradient is *for*: it
# should foretell what happens to the loss when a boundary changes. And a boundary can be changed: we
# force the network to the boundaries it chose, flip one of them, and see what the loss does. There are 50
# letters and two layers, so 100 flips, one in each row of a batch. The gradient foretells a change of
# $(1 - 2z)\,\partial L / \partial z$. How well do the two agree?

# %%
agreement = {"sum": [], "where": []}
for seed in range(5):
    model = make(seed)
    with torch.no_grad():
        chosen = model(codes)[0].core.boundaries
        flipped = chosen.repeat(100, 1, 1)
        flipped.view(100, 100)[range(100), range(100)] = 1 - chosen.flatten()
        logits = model(codes.expand(100, -1), forced_boundaries=flipped)[0].logits
        log_p = logits.log_softmax(2).gather(2, targets.expand(100, -1)[:, :, None])
        change = -log_p.mean((1, 2)) - model.loss(codes, targets)[0]
    for name, selection in (("sum", by_sum), ("where", by_where)):
        with patch.multiple(equations, **selection):
            leaf = chosen.clone().requires_grad_()
            loss, _, _ = model.loss(codes, targets, forced_boundaries=leaf)
            (gradient,) = torch.autograd.grad(loss, leaf)
        foretold = ((1 - 2 * chosen) * gradient).flatten()
        by_layer = torch.stack([foretold, change]).view(2, 50, 2).unbind(2)
        agreement[name].append([torch.corrcoef(pair)[0, 1].item() for pair in by_layer])
mean = {name: np.mean(found, axis=0) for name, found in agreement.items()}
print("correlation of foretold and true change, mean of five networks")
for name, (one, two) in mean.items():
    print(f"{name:6} layer 1 {one:.2f}, layer 2 {two:.2f}")
assert (mean["sum"] > mean["where"] + 0.2).all()

# %% [markdown]
# The sum foretells the effect of a flip fairly well; `where` does so poorly, and worst in layer 2. So the
# package selects by the sum, as the authors' later code does in its own form (the paper does not say).
# This is decision D1 below.
#
# ## Two derivations that must agree
#
# ### An HM-LSTM that always updates is an LSTM
#
# Take away the top-down weights, set the boundary below to 1 and the own boundary to 0 at every step, and
# the equations above are those of an ordinary stacked LSTM. So they must give what `torch.nn.LSTM` gives.
# A layer's boundary has to look like 1 from above, now, and like 0 from inside, one step later; so we go
# step by step and put it back each time.

# %%
core = hmrnn.HMLSTM(5, (4, 4), top_down=False, seed=3).requires_grad_(False)
x = torch.randn(2, 9, 5, generator=torch.Generator().manual_seed(0))
state, ours = core.initial_state(2), []
for t in range(9):
    output, state = core(x[:, t : t + 1], state, forced_boundaries=torch.ones(2, 1, 1))
    assert (output.operations == hmrnn.UPDATE).all()
    state = tuple(layer._replace(boundary=0 * layer.boundary) for layer in state)
    ours.append(output.hidden[1])

# %% [markdown]
# And the same weights in torch's own module, which wants the gates in the order $i, f, g, o$:

# %%
theirs = x
order = torch.cat([torch.arange(4) + 4 * block for block in (1, 0, 3, 2)])
for cell in core.cells:
    lstm = torch.nn.LSTM(cell.input_size, 4, batch_first=True).requires_grad_(False)
    lstm.weight_ih_l0.copy_(cell.bottom_up[order])
    lstm.weight_hh_l0.copy_(cell.recurrent[order])
    lstm.bias_ih_l0.copy_(cell.bias[order])
    lstm.bias_hh_l0.zero_()
    theirs, _ = lstm(theirs)
difference = (torch.cat(ours, 1) - theirs).abs().max().item()
assert difference < 1e-12
print("two layers, nine steps: equal to torch.nn.LSTM within 1e-12:", difference < 1e-12)

# %% [markdown]
# ### The number of parameters
#
# From the equations: a layer of $n$ units with $d$ inputs and $m$ units above has $4n + 1$ rows in $U$,
# $V$, $W$ and $b$; the top layer has no boundary and no $V$.
#
# $$
# N_{\text{layer}} = (4n + 1)(n + m + d + 1), \qquad N_{\text{top}} = 4n\,(n + d + 1).
# $$
#
# The output module adds one gate a layer, the matrices that carry each layer into the output embedding,
# and the softmax. In the paper's setting for the Penn Treebank that gives:

# %%
units, embedding, output_size, vocabulary = (512, 512, 512), 128, 512, 50
lower = zip((embedding, *units), units, units[1:])  # d, n and m of every layer but the top
layers = sum((4 * n + 1) * (n + m + d + 1) for d, n, m in lower)
layers += 4 * units[-1] * (units[-1] + units[-2] + 1)
gates = len(units) * (sum(units) + 1)
softmax = output_size * (sum(units) + 1) + vocabulary * (output_size + 1)
by_formula = vocabulary * embedding + layers + gates + softmax

core = hmrnn.HMLSTM(embedding, units)
whole = hmrnn.CharLanguageModel(vocabulary, embedding, core, output_size)
counted = sum(weight.numel() for weight in whole.parameters())
assert by_formula == counted == 8_434_615
print(f"by formula {by_formula:,}, counted {counted:,}")

# %% [markdown]
# ## Where the code departs from the paper, or fills a gap
#
# Where the package does something that the paper does not say, or that can be read in two ways, the
# source has a comment `Deviation D...:`. This table is made from those comments.

# %%
package = Path(hsrnn.__file__).parent
comment = re.compile(r"# Deviation (D\d+): (.*(?:\n\s*# .*)*)")
rows = []
for path in package.rglob("*.py"):
    for name, text in comment.findall(path.read_text(encoding="utf-8")):
        text = re.sub(r"\s*\n\s*# ", " ", text)
        rows.append(f"| {name} | `{path.relative_to(package).as_posix()}` | {text} |")
rows.sort(key=lambda row: int(re.search(r"\d+", row)[0]))
Markdown("\n".join(["| | file | comment |", "|---|---|---|", *rows]))

# %% [markdown]
# One after the other:
#
# - **Deviation D2**, the top layer. It has no boundary, so it never flushes, and it hears nothing from
#   above. Under COPY it keeps $c$ and $h$, as Eq. 3 says. The authors' later code keeps only $c$ and lets
#   a fresh gate $o$ change $h$ at each letter; `top_layer="author"` does so too. Much public code gives
#   the top layer a boundary of its own: then it flushes itself, and may forget everything at each step.
# - **Deviation D3**, the boundary while copying. The paper leaves open whether a layer that copies
#   computes $\tilde z$. Here it does. We look at a consequence below.
# - **Deviation D4**, layer norm. The paper only says that it was applied. Here it is an option: one norm
#   for each of $f$, $i$, $o$, $g$ on its part of the sum $s$, and one on $c$ inside the tanh, whose
#   result is not stored. $s_z$ stays outside: within a joint norm, whether a boundary fires would depend
#   on the size of all the gates.
# - **Deviation D7**, biases. They start at zero, the forget gate's included, as in the authors' later
#   code. From there come Adam's rates 0.9 and 0.99, too. Only where sampled or soft boundaries meet layer
#   norm do they start at small random numbers: at zero the gradient of the first update overflows.
# - **Deviation D8**, when to lower the learning rate and when to stop. The paper divides it by 50 when
#   validation stops improving; how long to wait is a setting.
#
# Other gaps are filled without departing from anything:
#
# - Decision D1, the gradient through the choice of operation: by the sum, see above.
# - Decision D10, the slope: the paper's formula speaks of the *maximum* number of epochs where the
#   current one must be meant; the gradient of a boundary is exactly the derivative of the hard sigmoid.
# - At the start $h$, $c$ and $z$ are zero, and $z$ is carried from chunk to chunk together with $h$ and
#   $c$.
# - At $\tilde z = 0.5$ exactly the boundary is 0, as the paper's "$>$" says. This tie does happen: with
#   zero biases it is the first step of every layer above the first that hears nothing.
# - Decisions D5, D6 and D9 concern data and scores; they belong to the chapters that use them.
#
# ### What follows from D3
#
# Under COPY nothing comes from below, so $s_z = u \cdot h_{t-1} + b$ with the boundary's own row $u$ of
# $U$. And $h$ does not move while the layer copies. So $s_z$ is computed anew at every copied letter, and
# is the same each time, to the last bit: a layer either fires at the *first* letter that it copies, or
# not until something comes from below.

# %%
text = torch.from_numpy(corpus.train[:1500].astype(np.int64))[None]
with torch.no_grad():
    core = make(1)(text)[0].core
copied = core.operations[0, :, 1] == hmrnn.COPY  # layer 2
s_z, z = core.preactivations[0, :, 1], core.boundaries[0, :, 1]
again = copied[1:] & copied[:-1]  # copied, and so was the letter before
assert torch.equal(s_z[1:][again], s_z[:-1][again])
at_first = int((copied[1:] & ~again & (z[1:] == 1)).sum())
later = int(z[1:][again].sum())
assert at_first > 0 == later
print(f"layer 2: {len(z)} letters, {int(copied.sum())} copied, fired {int(z.sum())} times,")
print(f"{at_first} times at the first copied letter of a run, {later} times at a later one")

# %% [markdown]
# ## What the paper says, and what we have seen
#
# | the paper says | here |
# |---|---|
# | Eq. 2 to 7 and the boundary | worked out by hand for two units, equal within $10^{-12}$ |
# | the straight-through estimator teaches the switch | it foretells flips, if the choice is differentiated |
# | a steeper slope reduces its bias | the band gets narrower too; nothing changes forward |
# | step, sample and soft boundaries all train | all three run; soft ones never copied exactly |
#
# **Open questions.** The paper does not say how the operation was selected in the code behind its tables,
# where layer norm was put, nor whether a copying layer may fire. Its code is not public, and the later
# code has no layer norm, so it cannot be the one behind the best rows. Does the better foresight of the
# sum, measured here with random weights, hold late in training? And do networks trained with `where` find
# fewer words?
#
# ## Exercises
#
# ### 1. The lie, written out
#
# Write a function that takes an array of pre-activations $s_z$ and a slope $a$ and returns the gradient
# that a step boundary passes back at each of them.

# %%
passed_back = ...  # your function of s and slope
solved = exercises.check("hmrnn.02.1", passed_back)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
solution = lambda s, slope: np.where(np.abs(s) < 1 / slope, slope / 2, 0)
assert exercises.check("hmrnn.02.1", solution)

# %% [markdown]
# ### 2. How many parameters?
#
# Write a function that takes the width of the input and the sizes of the layers, bottom first, and
# returns the number of parameters of `HMLSTM(input_size, hidden_sizes)`, for any number of layers.

# %%
count_parameters = ...  # your function of input_size and hidden_sizes
solved = exercises.check("hmrnn.02.2", count_parameters)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
def solution(input_size, hidden_sizes):
    *lower, top = hidden_sizes
    inputs = (input_size, *lower)
    triples = zip(inputs, lower, hidden_sizes[1:])
    inner = sum((4 * n + 1) * (n + m + d + 1) for d, n, m in triples)
    return inner + 4 * top * (top + inputs[-1] + 1)


assert exercises.check("hmrnn.02.2", solution)

# %% [markdown]
# ### 3. A choice that can be learnt
#
# Write a function `select(own, below, f, i, g, cell)` that returns the new memory cell from the two
# boundaries, the layer's own one step ago and the one below now. For boundaries of 0 and 1 it must give
# the table, copies must be exact in single precision, and for boundaries in between it must have the
# gradient of the sum in both of them.

# %%
select = ...  # your function of own, below, f, i, g and cell
solved = exercises.check("hmrnn.02.3", select)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# First choose between FLUSH and the rest by `own`, then between UPDATE and COPY by
# `below`. Multiplied out, these are the three terms.
def solution(own, below, f, i, g, cell):
    write = i * g
    kept = below * (f * cell + write) + (1 - below) * cell
    return own * write + (1 - own) * kept


assert exercises.check("hmrnn.02.3", solution)
