"""One training run of Sentence Transformers' Trainer. Argument: a file with a FitRequest; prints a FitReply."""

import json
import math
import os
import resource
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import sentence_transformers
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer import losses
from transformers import TrainerCallback


class SequentialBatches(DefaultBatchSampler):
    """The rows in their order."""

    def __init__(self, dataset, batch_size, drop_last, **kwargs):
        super().__init__(dataset, batch_size=batch_size, drop_last=drop_last, **kwargs)
        self.rows = len(dataset)

    def __iter__(self):
        for start in range(0, self.rows, self.batch_size):
            yield list(range(start, min(start + self.batch_size, self.rows)))

    def __len__(self):
        return (self.rows + self.batch_size - 1) // self.batch_size


class StepTimes(TrainerCallback):
    """When each step ended, and the loss that was logged last."""

    def __init__(self):
        self.ends = []
        self.loss = float("nan")

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append(time.perf_counter())

    def on_log(self, args, state, control, logs=None, **kwargs):
        self.loss = (logs or {}).get("loss", self.loss)


# Of row i, as bench/support/training.ts makes it.
LABELS = {
    "score": lambda i, texts, dim: i % 101 / 100,
    "binary": lambda i, texts, dim: i % 2,
    "class": lambda i, texts, dim: i % 256,
    "margin": lambda i, texts, dim: float(i % 7 - 3),
    "scores": lambda i, texts, dim: [float((i + 3 * k) % 7 - 3) for k in range(texts - 1)],
    "teacher": lambda i, texts, dim: [math.sin(i + k) for k in range(dim)],
}

# What these need to take a static model.
OPTIONS = {"MegaBatchMarginLoss": {"use_mini_batched_version": False}}


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    with open(request["data"], encoding="utf-8") as file:
        rows = json.load(file)
    names = ["anchor", "positive", "negative"][: request.get("texts", len(rows[0]))]
    columns = {name: [row[c] for row in rows] for c, name in enumerate(names)}
    model = SentenceTransformer(request["model"], device="cpu", local_files_only=True)
    wanted = request.get("loss", {"name": "MultipleNegativesRankingLoss"})
    if "label" in wanted:
        label, dim = LABELS[wanted["label"]], model.get_embedding_dimension()
        columns["label"] = [label(i, len(names), dim) for i in range(len(rows))]
    dataset = Dataset.from_dict(columns)
    loss = getattr(losses, wanted["name"])(model, **OPTIONS.get(wanted["name"], {}))
    if request["matryoshkaDims"]:
        loss = losses.MatryoshkaLoss(model, loss, matryoshka_dims=request["matryoshkaDims"])
    sampler = SequentialBatches if request["sampler"] == "sequential" else "no_duplicates"

    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            max_steps=request.get("maxSteps", -1),
            per_device_train_batch_size=request["batchSize"],
            learning_rate=0.2,
            warmup_steps=0.1,
            bf16=request["precision"] == "bfloat16",
            use_cpu=True,
            batch_sampler=sampler,
            save_strategy="no",
            logging_steps=1,
            report_to="none",
            disable_tqdm=True,
        )
        times = StepTimes()
        begin = time.perf_counter()
        trainer = SentenceTransformerTrainer(
            model=model, args=arguments, train_dataset=dataset, loss=loss, callbacks=[times]
        )
        out, sys.stdout = sys.stdout, sys.stderr
        trainer.train()
        sys.stdout = out
    seconds = time.perf_counter() - begin
    if "output" in request:
        model.save(request["output"], create_model_card=False)

    steps = [end - start for start, end in zip(times.ends, times.ends[1:])]
    print(
        json.dumps(
            {
                "steps": len(times.ends),
                "rows": min(len(times.ends) * request["batchSize"], len(rows)),
                "seconds": seconds,
                "msPerStep": 1000 * statistics.median(steps) if steps else None,
                "finalLoss": times.loss,
                "peakRss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "version": f"{sentence_transformers.__version__}, torch {torch.__version__}",
            }
        )
    )


main(sys.argv[1])
