"""Sentence Transformers' encode(), which gives numpy arrays."""

import json

import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer

from service import repeat, serve

DEFAULT_BATCH_SIZE = 32


class Contender:
    def __init__(self):
        self.model = None
        self.texts = []

    def prepare(self, model: str, texts: str) -> dict:
        if self.model is None:
            self.model = SentenceTransformer(model, device="cpu", local_files_only=True)
        with open(texts, encoding="utf-8") as file:
            self.texts = json.load(file)
        return {"version": f"{sentence_transformers.__version__}, torch {torch.__version__}"}

    def sample(self, texts: int, dim: int) -> dict:
        return {"embeddings": self.model.encode(self.texts[:texts], truncate_dim=dim).tolist()}

    def encode(self, dim: int, seconds: float, threads: int, input: str, batchSize: int) -> dict:
        if threads > 0:
            torch.set_num_threads(threads)
        batch_size = batchSize or DEFAULT_BATCH_SIZE
        return repeat(
            len(self.texts),
            seconds,
            lambda: self.model.encode(self.texts, batch_size=batch_size, truncate_dim=dim, show_progress_bar=False),
        )


serve(Contender())
