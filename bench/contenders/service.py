"""Answers requests of the benchmarks: one a line on standard input, as JSON; one line of JSON for each."""

import json
import resource
import sys
import time
import traceback


def peak_rss() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def repeat(texts: int, seconds: float, work) -> dict:
    """Calls `work`, which handles `texts` texts, for at least `seconds`."""
    begin = time.perf_counter()
    calls = 0
    while True:
        work()
        calls += 1
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            return {"texts": calls * texts, "seconds": elapsed, "peakRss": peak_rss()}


def serve(contender) -> None:
    """`contender` has a method for each operation, with the request's fields as arguments."""
    out = sys.stdout
    sys.stdout = sys.stderr  # libraries that print must not spoil the answers
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(contender, request.pop("op"))(**request)
        except Exception:
            reply = {"error": traceback.format_exc()}
        out.write(json.dumps(reply) + "\n")
        out.flush()
