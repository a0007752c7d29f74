"""An index of bm25s, built and searched. Argument: a file with a LexicalTask; prints a LexicalReply."""

import json
import os
import resource
import sys
import time

import bm25s


def tokens_of(texts: list) -> list:
    return bm25s.tokenize(texts, stopwords=None, return_ids=True, show_progress=False)


def build(texts: list, task: dict) -> bm25s.BM25:
    index = bm25s.BM25(method="lucene", k1=task["k1"], b=task["b"], backend="numba")
    index.index(tokens_of(texts), show_progress=False)
    return index


def search(index: bm25s.BM25, queries: list, task: dict, threads: int) -> tuple:
    begin = time.perf_counter()
    found = index.retrieve(tokens_of(queries), k=task["topK"], n_threads=threads, show_progress=False)
    return time.perf_counter() - begin, found


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        task = json.load(file)
    with open(task["documents"], encoding="utf-8") as file:
        texts = json.load(file)
    with open(task["queries"], encoding="utf-8") as file:
        queries = json.load(file)

    # Numba compiles what is called for the first time.
    search(build(texts[:1000], task), queries[:100], task, 0)
    begin = time.perf_counter()
    index = build(texts, task)
    build_seconds = time.perf_counter() - begin

    # One thread or all, whichever it is faster with; each once to warm up.
    runs = [search(index, queries, task, threads) for threads in (0, os.cpu_count()) for _ in range(2)]
    search_seconds, found = min(runs[1::2], key=lambda run: run[0])
    print(
        json.dumps(
            {
                "buildSeconds": build_seconds,
                "searchSeconds": search_seconds,
                "peakRss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "scores": found.scores.tolist(),
                "version": bm25s.__version__,
            }
        )
    )


main(sys.argv[1])
