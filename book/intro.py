# %% [markdown]
# # Structure one can see
#
# Below, a neural network reads a sentence letter by letter. The boundaries are its own: nobody told it
# where words are. Type something else and watch it decide anew.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% tags=["remove-input"]
from hsrnn.experiments.hmrnn_language_figure import boundaries_figure

boundaries_figure("the market fell after the company cut its forecast", name="intro")

# %% [markdown]
# Each row is a layer. Where a boundary stands, the layer has closed a piece of text: it hands a summary to
# the layer above and starts afresh. Where a row shows a thin line, that layer does nothing at all and
# keeps its memory to the last bit. Click a cell to put a boundary where *you* want one, and see how the
# network changes its mind about the next letter.
#
# ## Why hierarchical structure?
#
# What we read, hear and draw is made of parts that are made of parts: letters make words, words make
# phrases, phrases make sentences. A reader who knows the parts needs less memory, for a finished word is
# one thing, not eight letters. They need less work, for a phrase changes only when a word ends. And they
# can say what they are doing, because the parts have names.
#
# An ordinary recurrent network has no parts. At every letter it mixes everything it knows with everything
# it sees, in one vector of a few hundred numbers. It works, and nobody can tell from the numbers where a
# word ended. In this book structure is something that a network *has*, as a few bits or a small graph that
# one can print, colour, count, compare with the truth, and change by hand to see what follows.
#
# The question is never only whether the structure looks right. It is always also: **does it do better than
# chance, and does the network do better for having it?** So every picture stands beside a count, every
# count beside a baseline, and every claim of a paper beside our own runs, with seeds.
#
# ## What you can see here
#
# ### Boundaries
#
# Chung, Ahn and Bengio ([2017](https://arxiv.org/abs/1609.01704)) let each layer of a recurrent network
# decide when its piece of the sequence has ended: COPY, UPDATE or FLUSH, at each letter, in each layer.
#
# - [The idea](hmrnn/01-the-idea.ipynb): you set the boundaries yourself, on ten letters, and work out what
#   three layers remember.
# - [The cell](hmrnn/02-the-cell.ipynb): the equations beside the code that runs; how a yes-or-no decision
#   can be learnt by gradients, and a mistake that most implementations make.
# - [Does it find the words?](hmrnn/03-language.ipynb): train it in a minute, count its boundaries against
#   the truth, against chance and against simple rules; then look at a network that has read the news.
# - [Does it find the letters?](hmrnn/04-handwriting.ipynb): a network writes by hand in the page; a density
#   for the next point of the pen, and boundaries against pen-ups and letters.
# - [Verdicts](hmrnn/05-results.ipynb): the paper's claims one by one, with seeds and intervals; text without
#   spaces; what copying saves, counted on paper and by the program; and what has not been run.
#
# ### Automata
#
# Hou and Zhou ([2020](https://arxiv.org/abs/1810.10708)) read a finite state machine from a trained
# recurrent network: its hidden states fall into a few groups, and between the groups there are arrows, one
# for each symbol. A machine can be run with a pencil, drawn, made smaller, and proved right or wrong.
#
# - [The idea](automata/01-states.ipynb): a network that knows one word, the cloud of its hidden states, and
#   the machine in the cloud.
# - [Reading it off](automata/02-extract.ipynb): clusters, counts, transitions nobody took, and a proof or a
#   counterexample at the end.
# - [How many gates?](automata/03-gates.ipynb): four cells, nine languages, twenty seeds: which cell hides
#   the smallest machine, and does the difference survive its interval?
# - [Words](automata/04-words.ipynb): what the states of a network that reads reviews mean, and where a
#   machine of a few states stops being enough.
# - [Verdicts](automata/05-results.ipynb): the paper's claims one by one, and other ways to get a machine out
#   of the same network.
#
# ### Coarse graining
#
# A network need not bend its numbers to be more than linear: products are enough. A TaylorNet looks at a
# picture from further and further away, by sums and products alone, so that every logit is one polynomial of
# the pixels and can be taken apart exactly. After the idea of Yang, Xie and Yang
# ([2023](https://arxiv.org/abs/2211.01779)), whose text was not available to us: a reconstruction.
#
# - [Sums and products](coarse/01-taylor.ipynb): a polynomial in two pixels, a level by hand, and why the
#   degree doubles with every level.
# - [Order by order](coarse/02-taylornet.ipynb): a polynomial that reads digits; its logits order by order;
#   what is lost without an order, a region, a level.
# - [Distillation](coarse/03-distillation.ipynb): a data set coarse-grained into ever fewer pictures, by which
#   digits are told apart.
# - [Verdicts](coarse/04-results.ipynb): what may be said of a polynomial of its size, and of the references.
#
# ### Merges
#
# Liang and others ([2017](https://arxiv.org/abs/1703.03055)) let a recurrent network walk over the graph of
# a picture's regions, and let the graph change under its feet: neighbours that it takes for one thing merge,
# until hundreds of superpixels have become a few parts. Every merge has a probability, and can be looked at.
#
# - [A picture becomes a graph](evolving/01-superpixels-and-graphs.ipynb): superpixels, their graph, and the
#   best that any network could do on it.
# - [A network that walks over a graph](evolving/02-graph-lstm.ipynb): a recurrent network without a row;
#   which nodes can be updated at once, and what their order changes.
# - [Merging](evolving/03-merging.ipynb): probabilities on edges, proposals accepted or rejected, why all at
#   once is too much, and which rules sample what they say they sample.
# - [Superpixels become parts](evolving/04-parsing.ipynb): the whole network, trained in front of you; its
#   levels to scrub through, region by region, on drawings and photographs.
# - [Verdicts](evolving/05-results.ipynb): the claims one by one, and the control that decides, random merging
#   at equal numbers of nodes.
#
# ### Sketches
#
# Ghazi, Panigrahy and Wang ([2019](https://arxiv.org/abs/1905.12730)) keep what a network of modules
# understood of an input in one vector: which objects, with which attributes, made of what. The vector can be
# asked questions that nobody had in mind when it was made.
#
# - [One vector](sketches/01-one-vector.ipynb): a room with handwritten digits, seen by a trained network, in
#   one vector, and back as pictures.
# - [Recursion](sketches/02-recursion.ipynb): parts of parts in one vector, what each level costs, and a whole
#   tree read back.
# - [A year of rooms](sketches/03-memory.ipynb): 8,760 rooms, questions nobody had in mind, and what simpler
#   memories answer from as many bytes.
# - [Erasing and learning](sketches/04-erasing-and-learning.ipynb): throw away three quarters of the vector;
#   lose the matrices and learn them again; find a concept that nobody has named.
# - [Verdicts](sketches/05-results.ipynb): the theorems one by one, with their constants.
#
# ### Around it
#
# - [How to read this book](how-to-read.ipynb): on the site, in JupyterLab, or by import; what is computed
#   on the page and what comes from recorded runs.
# - [Notation](notation.ipynb): the symbols, and the same symbols in code.
# - [Results](results.ipynb): every table, made from the records of finished runs.
# - [How this book is made](making.ipynb): records, seeds, tests, and how to add to it.
#
# What you need to know: what a matrix product is, what a gradient is, and roughly what an LSTM does. If
# you have three minutes, play with the figure. If you have an hour, read the first two chapters.
