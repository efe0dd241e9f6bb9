"""How much time and memory a child process may take: always some, so that no file can make edgekit wait for ever.

A limit here is no judgement of a model's speed. It only has to be far above what a sound file needs on a busy machine,
and reachable within a working day.
"""

from __future__ import annotations

# What a job may take whatever the model: starting Python (1 s), reading a file of GB, packing its weights.
FLOOR_S = 120.0
# Times the inferences that a job makes: of cores that others use too, and of a first measurement that was lucky.
SLACK = 4.0
# No evaluation is waited for longer than this; a file that needs more is too slow to be validated here.
LONGEST_S = 4 * 3600.0
# A user's metric may look at each sample for so long, a thousand times what a loop in Python takes.
METRIC_S_PER_SAMPLE = 0.01
# Of a metric's time the share that resampling may take it to; the rest is for a call that is slower than those before.
BOOTSTRAP_SHARE = 0.5
# tflite_micro's reference kernels take 10 to 100 times as long as XNNPACK's.
MICRO_SLOWER = 100
# Inferences of each job beside those of the samples: one at a time first, batches against them, a warm-up.
# A compiler searches for a schedule: minutes for a large model, whatever an inference takes.
COMPILE_S = 900.0
INFERENCES = {
    "load": 2,
    "memory": 2,
    "latency": 75,
    "predict": 512,
    "micro": 64 * MICRO_SLOWER,
    "vectors": 32 * MICRO_SLOWER,
}

MEMORY_SHARE = 0.75
ADDRESS_SPACE_BYTES = 4 << 30


def time_limit_s(do: str, *, samples: int = 0, inference_s: float = 0.0) -> float:
    """Seconds that a job may take, where one inference takes `inference_s` on this machine.

    >>> time_limit_s("load"), time_limit_s("predict", samples=10_000, inference_s=0.01)
    (120.0, 540.48)
    """
    if do == "compile":
        return COMPILE_S
    if do == "score":
        return FLOOR_S + METRIC_S_PER_SAMPLE * samples
    return min(FLOOR_S + SLACK * inference_s * (INFERENCES.get(do, 0) + samples), LONGEST_S)


def memory_limit(mapped_bytes: int = 0) -> int:
    """Address space for a child, in bytes: most of this machine's memory, and room for what is mapped and never resident."""
    import psutil

    return int(psutil.virtual_memory().total * MEMORY_SHARE) + ADDRESS_SPACE_BYTES + 2 * mapped_bytes
