"""Hands the solutions and mistakes of a module to the tests that it takes from ``answers.py``."""

SEEDS = (0, 1, None)


def pytest_generate_tests(metafunc):
    """Make one test of every solution and seed, of every mistake, and of every stub."""
    module, name = metafunc.module, metafunc.function.__name__
    if not metafunc.function.__module__.endswith("answers"):
        return
    if name == "test_solutions_pass":
        every = [(own, right, seed) for own, right in module.RIGHT.items() for seed in SEEDS]
        ids = [f"{own}-{seed}" for own, _, seed in every]
        metafunc.parametrize(("name", "answer", "seed"), every, ids=ids)
    elif name == "test_mistakes_are_found":
        told = [(own, wrong) for own, answers in module.WRONG.items() for wrong in answers]
        every = [(own, *(wrong if isinstance(wrong, tuple) else (wrong, ""))) for own, wrong in told]
        metafunc.parametrize(("name", "mistake", "words"), every, ids=[own for own, *_ in every])
    else:
        metafunc.parametrize("name", module.RIGHT)
