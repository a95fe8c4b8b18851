"""MovieLens 100k: what people thought of films (GroupLens)."""

from __future__ import annotations

import numpy as np

from graphflow.data.archive import opened
from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote, decode
from graphflow.data.ratings import RATINGS, Seed, Some, Test, rated
from graphflow.data.registry import register
from graphflow.data.tokenizers import Words
from graphflow.diagnostics import fail

ML_100K = Remote(
    "ml-100k.zip",
    "https://files.grouplens.org/datasets/movielens/ml-100k.zip",
    "sha1:cd4dcac4241c8a4ad7badc7ca635da8a69dddb83",
    size=4_924_029,
    instead="source: made_ratings, or csv with ratings of your own",
    top="ml-100k",
)


@register(
    "movielens_100k",
    columns=RATINGS | {"user": "int64 (N,), 0 to 942", "item": "int64 (N,), 0 to 1,681"},
    files=[ML_100K],
)
def movielens_100k(
    test: Test = "none",
    history: Some = 0,
    others: Some = 0,
    matrix: bool = False,
    seed: Seed = 0,
) -> Dataset:
    """100,000 ratings that 943 people gave 1,682 films (MovieLens 100k).

    Numbers count from 0, in the file from 1; ``time`` is in seconds since 1970. ``test: last``
    makes each person's last rating the test part (of equally late ones, the last in the file); else
    ``split`` divides as it says. Harper and Konstan 2015; an earlier edition of Dive into Deep
    Learning uses it in 21.2.
    """
    with opened(ML_100K) as members:
        content = decode(members.read("u.data"), "u.data")
        titles = members.read("u.item").decode("latin-1").split("\n")
    try:
        table = np.array([line.split("\t") for line in content.split("\n") if line], np.int64)
    except ValueError as error:
        fail("GF073", f"'u.data' is not a table of whole numbers: {error}")
    if table.ndim != 2 or table.shape[1] != 4 or table[:, :2].min() < 1:
        fail("GF073", "'u.data' is not a table of user, item, rating and time")
    user, item, rating, time = table.T
    names = [line.split("|")[1] for line in titles if line.count("|") > 1]
    rows = {"user": user - 1, "item": item - 1, "rating": rating.astype(np.float32), "time": time}
    about = f"MovieLens: {len(table):,} ratings of {len(names):,} films"
    sizes = (int(user.max()), max(len(names), int(item.max())))
    return rated(
        "movielens_100k",
        rows,
        sizes,
        about,
        test=test,
        history=history,
        others=others,
        matrix=matrix,
        seed=seed,
        tokenizers={"item": Words(tuple(names))},
    )
