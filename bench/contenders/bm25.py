"""BM25 by bm25s with its default settings. Argument: a file with queries, documents and k; prints the documents found
for each query, by position, best first."""

import json
import sys

import bm25s


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(request["documents"], stopwords="en", show_progress=False), show_progress=False)
    queries = bm25s.tokenize(request["queries"], stopwords="en", show_progress=False)
    found, _ = retriever.retrieve(queries, k=request["k"], show_progress=False)
    print(json.dumps(found.tolist()))


main(sys.argv[1])
