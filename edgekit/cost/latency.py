"""The time of an inference before it is run: a roofline with an interval.

    latency = overhead + operators * overhead per operator + max((MACs + decoding) / rate, bytes / bandwidth)

bytes count the weights once and every activation twice (written and read). After Williams, Waterman and Patterson,
Roofline, CACM 52(4), 2009, https://doi.org/10.1145/1498765.1498785, with the rates that whole models reach instead of
the peak rate. The low end takes every coefficient at its fast end, the high end at its slow one: the interval is wide
so that it can be trusted. The profile holds the coefficients and says where they are from.
"""

from __future__ import annotations

from msgspec.structs import replace

from edgekit.cost import decoding, flash
from edgekit.cost.graph import Graph
from edgekit.devices.profile import DeviceProfile
from edgekit.devices.profile_tables import Quantity
from edgekit.documents.candidate import Estimate
from edgekit.errors import ProfileError
from edgekit.values import Value

SOURCE = "edgekit.cost.latency: roofline of {id}, {threads} thread(s), {runtime}"
ON_AN_NPU = "; low: its compiler puts all of it on the NPU, high: none of it, and it runs on the CPU"


class Workload(Value):
    """The work of one inference: MACs, bytes of weights, bytes of all activations together, operators, and its arithmetic.

    `dtype` is that of the arithmetic: 'float32', 'int8', 'int16x8', or 'dynamic_range' (8-bit weights, float
    activations). Weights stored in 'float16' are computed in float32. `decoded` counts the weights that each inference
    decodes, by the kind of their coding.
    """

    macs: int
    weight_bytes: int
    activation_bytes: int
    operators: int
    dtype: str
    decoded: dict[str, int] = {}


def predict(profile: DeviceProfile, graph: Graph) -> Estimate:
    """Milliseconds of one inference at batch 1 with the profile's runtime and threads.

    Zeros and repeated weights make a dense kernel no faster. Where operators may stay in float, the slow end is that of
    a graph in float throughout, and at the fast end none stays.
    """
    found = predict_workload(profile, workload_of(graph))
    if not graph.may_stay_float:
        return found
    fast = predict_workload(profile, workload_of(replace(graph, float_weights=0)))
    slow = predict(profile, graph.in_float)
    return Estimate(value=found.value, low=fast.low, high=max(found.high, slow.high), source=found.source)


def workload_of(graph: Graph) -> Workload:
    """The work of one inference of a graph."""
    return Workload(
        macs=graph.macs,
        weight_bytes=flash.weight_bytes(graph),
        activation_bytes=sum(node.elements * node.activation_bytes for node in graph.nodes),
        operators=len(graph.nodes) + sum(bool(node.decoded) for node in graph.nodes),
        dtype=graph.arithmetic,
        decoded=_decoded(graph),
    )


def _decoded(graph: Graph) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in graph.nodes:
        if node.packed is not None and node.decoded:
            found[node.packed.kind] = found.get(node.packed.kind, 0) + node.decoded
    return found


def predict_workload(profile: DeviceProfile, workload: Workload, *, rate: Quantity | None = None) -> Estimate:
    """Milliseconds of one inference of a workload, such as that of a finished `.tflite`; `rate` replaces the profile's.

    Raises `ProfileError` where the profile has no rate for the workload's arithmetic.
    """
    slow, usual, fast = _rate(profile, workload.dtype) if rate is None else _ends(rate)
    source = SOURCE.format(id=profile.id, threads=profile.runtime.threads, runtime=profile.runtime.kind)
    if profile.runtime.compiler is not None and rate is None:
        source += ON_AN_NPU
    return Estimate(
        value=_roofline_ms(profile, workload, usual, 1),
        low=_roofline_ms(profile, workload, fast, 0),
        high=_roofline_ms(profile, workload, slow, 2),
        source=source,
    )


def _roofline_ms(profile: DeviceProfile, workload: Workload, rate: float, end: int) -> float:
    """One end of the interval: 0 has the fast ends of the overheads and the bandwidth, 2 the slow ones."""
    cost = profile.cost
    traffic = workload.weight_bytes + 2 * workload.activation_bytes
    macs = workload.macs + sum(decoding.decode_macs(kind, end) * count for kind, count in workload.decoded.items())
    work_s = max(macs / rate, traffic / _ends(cost.bandwidth)[2 - end])
    overhead_ms = _ends(cost.overhead_per_inference)[end] + workload.operators * _ends(cost.overhead_per_operator)[end]
    return overhead_ms + work_s * 1e3


def usual_rate(profile: DeviceProfile, dtype: str) -> float:
    """The usual rate of an arithmetic, in MAC/s. Raises `ProfileError` where the profile has none."""
    return _rate(profile, dtype)[1]


def _rate(profile: DeviceProfile, dtype: str) -> tuple[float, float, float]:
    """The slow, usual and fast rate of an arithmetic, in MAC/s."""
    rates = profile.cost.rates
    if dtype == "dynamic_range" and rates.dynamic_range is None:
        slow, fast = _rate(profile, "float32"), _rate(profile, "int8")
        return min(slow[0], fast[0]), (slow[1] * fast[1]) ** 0.5, max(slow[2], fast[2])
    known: dict[str, Quantity | None] = {
        "float32": rates.float32, "float16": rates.float32, "int8": rates.int8, "uint8": rates.int8,
        "int16x8": rates.int16x8, "int16": rates.int16x8, "dynamic_range": rates.dynamic_range,
    }  # fmt: skip
    quantity = known.get(dtype)
    if quantity is None or not quantity.value:
        raise ProfileError(
            f"no rate for {dtype} arithmetic",
            where=f"{profile.id}: cost.rates",
            received=dtype,
            allowed=", ".join(name for name, rate in known.items() if rate is not None),
            next_step="add the rate to the profile, or choose another conversion",
        )
    return _ends(quantity)


def _ends(quantity: Quantity) -> tuple[float, float, float]:
    """Low, usual and high of a quantity; one without ends is exact."""
    usual = quantity.value or 0.0
    low = usual if quantity.low is None else quantity.low
    high = usual if quantity.high is None else quantity.high
    return low, usual, high
