"""Model2Vec's encode(), on the folder that Sentence Transformers reads."""

import json

import model2vec
from model2vec import StaticModel

from service import repeat, serve


class Contender:
    def __init__(self):
        self.models = {}
        self.folder = ""
        self.texts = []

    def prepare(self, model: str, texts: str) -> dict:
        self.folder = model
        with open(texts, encoding="utf-8") as file:
            self.texts = json.load(file)
        return {"version": model2vec.__version__}

    def model(self, dim: int) -> StaticModel:
        """Model2Vec cuts a table when it loads it."""
        if dim not in self.models:
            self.models[dim] = StaticModel.from_pretrained(self.folder, normalize=False, dimensionality=dim)
        return self.models[dim]

    def sample(self, texts: int, dim: int) -> dict:
        return {"embeddings": self.model(dim).encode(self.texts[:texts], max_length=None).tolist()}

    def encode(self, dim: int, seconds: float, threads: int, input: str, batchSize: int) -> dict:
        model = self.model(dim)
        return repeat(
            len(self.texts),
            seconds,
            lambda: model.encode(self.texts, max_length=None, batch_size=batchSize or 1024, use_multiprocessing=False),
        )


serve(Contender())
