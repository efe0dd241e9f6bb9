"""How much time and memory a child process may take: always limited, so that no file makes edgekit wait for ever.

These limits do not judge a model's speed. They only have to be far above what a sound file needs on a busy machine,
and reachable within a working day.
"""

from __future__ import annotations

# What any job may take, whatever the model: starting Python (1 s), reading a file of GBs, compressing its weights.
FLOOR_S = 120.0
# Factor on the time of a job's inferences: other processes use the cores too, and the measured time may have been lucky.
SLACK = 4.0
# The longest time limit of an evaluation; a file that needs more is too slow to be validated here.
LONGEST_S = 4 * 3600.0
# What a user's metric may take for each sample: a thousand times what a loop in Python takes.
METRIC_S_PER_SAMPLE = 0.01
# The share of a metric's time limit at which resampling stops; the rest is reserve for one slower call.
BOOTSTRAP_SHARE = 0.5
# tflite_micro's reference kernels take 10 to 100 times as long as XNNPACK's.
MICRO_SLOWER = 100
# Inferences of each job besides those of the samples: single ones first, batches compared with them, a warm-up.
# A compiler searches for a schedule: minutes for a large model, however fast an inference is.
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
    """Seconds that a job may take if one inference takes `inference_s` on this machine.

    >>> time_limit_s("load"), time_limit_s("predict", samples=10_000, inference_s=0.01)
    (120.0, 540.48)
    """
    if do == "compile":
        return COMPILE_S
    if do == "score":
        return FLOOR_S + METRIC_S_PER_SAMPLE * samples
    return min(FLOOR_S + SLACK * inference_s * (INFERENCES.get(do, 0) + samples), LONGEST_S)


def memory_limit(mapped_bytes: int = 0) -> int:
    """Address space for a child, in bytes: most of this machine's memory, plus `mapped_bytes` that are mapped but not resident."""
    import psutil

    return int(psutil.virtual_memory().total * MEMORY_SHARE) + ADDRESS_SPACE_BYTES + 2 * mapped_bytes
