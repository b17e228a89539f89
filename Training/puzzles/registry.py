"""The kinds of puzzles by name."""

MAKERS = {}


def kind(name):
    """Registers the function that makes a kind: from a random generator, a style and a `Talk` to a `Draft`."""

    def register(make):
        MAKERS[name] = make
        return make

    return register
