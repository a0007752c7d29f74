"""One search of Sentence Transformers. Argument: a file with a SearchTask; prints a SearchReply."""

import contextlib
import json
import os
import resource
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import numpy as np
import sentence_transformers
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives, semantic_search

SAMPLE = 200


def search(task: dict) -> tuple:
    rows = [
        torch.from_numpy(np.fromfile(task[name], dtype=np.float32).reshape(-1, task["dim"]))
        for name in ("queries", "corpus")
    ]
    begin = time.perf_counter()
    hits = semantic_search(*rows, top_k=task["topK"])
    seconds = time.perf_counter() - begin
    return seconds, [[hit["corpus_id"] for hit in found] for found in hits[:SAMPLE]]


def mine(task: dict) -> tuple:
    with open(task["data"], encoding="utf-8") as file:
        rows = json.load(file)
    dataset = Dataset.from_dict({"anchor": [row[0] for row in rows], "positive": [row[1] for row in rows]})
    model = SentenceTransformer(task["model"], device="cpu", local_files_only=True)
    begin = time.perf_counter()
    mined = mine_hard_negatives(
        dataset, model, num_negatives=task["numNegatives"], output_format="n-tuple", verbose=False
    )
    seconds = time.perf_counter() - begin
    names = mined.column_names[2:]
    return seconds, [[row[name] for name in names] for row in mined.select(range(min(SAMPLE, len(mined))))]


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        task = json.load(file)
    with contextlib.redirect_stdout(sys.stderr):
        seconds, sample = (search if task["op"] == "search" else mine)(task)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "sample": sample,
                "peakRss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "version": f"{sentence_transformers.__version__}, torch {torch.__version__}",
            }
        )
    )


main(sys.argv[1])
