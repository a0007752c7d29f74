/** The module that modules.json names for a pooling that Sentence Transformers does not have. */
export const weightedModuleType = 'stillvec_pooling.WeightedStaticEmbedding';

/** The file in the model folder that has it; Sentence Transformers runs it where `trust_remote_code` is set. */
export const pythonFile = 'stillvec_pooling.py';

/**
 * The content of that file. One that is here already may be replaced while an older model of the folder is loaded, so
 * every version has to read what older ones have saved.
 */
export const pythonModule = `"""Pools token vectors as stillvec does: load the model with trust_remote_code=True."""

import os
from collections import Counter

import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

# Not the name that a plain static embedding has: a reader of those must not take this table for one.
TABLE = "weighted_embedding.weight"
SCALES = "embedding.scales"

WEIGHTS = {"mean": float, "sqrt": lambda count: count**0.5}


class WeightedStaticEmbedding(StaticEmbedding):
    config_file_name = "pooling.json"
    config_keys = ["pooling", "excluded_tokens"]

    def __init__(self, tokenizer, embedding_weights, *, pooling, excluded_tokens, **kwargs):
        super().__init__(tokenizer, embedding_weights, **kwargs)
        self.pooling = pooling
        self.excluded_tokens = list(excluded_tokens)
        self.excluded_ids = {self.tokenizer.token_to_id(token) for token in self.excluded_tokens}
        if pooling not in WEIGHTS or None in self.excluded_ids:
            raise ValueError("pooling.json: expected pooling mean or sqrt, and excluded_tokens of tokenizer.json")

    def preprocess(self, inputs, prompt=None, **kwargs):
        texts = [(prompt or "") + text for text in inputs]
        ids, weights, offsets = [], [], []
        for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False):
            counts = Counter(id for id in encoding.ids if id not in self.excluded_ids)
            weighed = [WEIGHTS[self.pooling](count) for count in counts.values()]
            total = sum(weighed)
            offsets.append(len(ids))
            ids.extend(counts)
            weights.extend(weight / total for weight in weighed)
        return {
            "input_ids": torch.tensor(ids, dtype=torch.long),
            "offsets": torch.tensor(offsets, dtype=torch.long),
            "token_weights": torch.tensor(weights, dtype=torch.float32),
        }

    def forward(self, features, **kwargs):
        table = self.embedding.weight
        weights = features["token_weights"].to(table.dtype)
        features["sentence_embedding"] = torch.nn.functional.embedding_bag(
            features["input_ids"], table, features["offsets"], mode="sum", per_sample_weights=weights
        )
        return features

    def save(self, output_path, *args, **kwargs):
        save_file({TABLE: self.embedding.weight.detach()}, os.path.join(output_path, "model.safetensors"))
        self.tokenizer.save(os.path.join(output_path, "tokenizer.json"))
        self.save_config(output_path)

    @classmethod
    def load(cls, model_name_or_path, **kwargs):
        names = ("subfolder", "token", "cache_folder", "revision", "local_files_only")
        hub = {name: kwargs[name] for name in names if name in kwargs}
        tokenizer = Tokenizer.from_file(cls.load_file_path(model_name_or_path, "tokenizer.json", **hub))
        tensors = cls.load_torch_weights(model_name_or_path, **hub)
        table = tensors[TABLE].float()
        if SCALES in tensors:
            table *= tensors[SCALES].unsqueeze(1)
        return cls(tokenizer, table, **cls.load_config(model_name_or_path, **hub))
`;
