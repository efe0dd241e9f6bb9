"""Figures in the form that people read: a size, a duration, a share, a count, each by its unit; comparisons; and their order.

Terminal and page use the same words. It knows the metrics' names, and not where they are shown.
"""

from __future__ import annotations

import math

from edgekit.documents.compiled import Compiled, LayerCycles
from edgekit.documents.report import Check, Metric, Metrics, Report
from edgekit.units import format_ms, format_size
from edgekit.verdict.metric_spec import FRACTIONS

ABSENT = "–"
FOUND = "finding: "
"""Begins a phase of progress that is over as it begins: it is a finding, there to be read."""
KERAS = "keras_"  # begins the name of the Keras model's own score, which stands beside the baseline's
JUDGED = ("accuracy_drop", "agreement")  # they stand after the metric that judges the model
ORDER = (
    "flash",
    "flash_plain",
    "firmware",
    "download",
    "ram",
    "ram_margin",
    "sram",
    "latency",
    "macs",
    "parameters",
    "sparsity",
    "nonzero_parameters",
    "coded",
    "not_weights",
    "peak_memory",
)
DETAILS = ORDER[-4:]
"""The metrics that the page and JSON have, and the terminal's table leaves out."""
SUMMED = ("flash", "ram", "latency", "accuracy_drop")
"""The metrics shown in the one-line summary of a file."""
_SHARES = ("accuracy", "balanced_accuracy", "sparsity", "agreement")
_SMALLER = {"flash": "smaller", "firmware": "smaller", "download": "smaller", "ram": "less", "latency": "faster"}
_LARGER = {"flash": "larger", "firmware": "larger", "download": "larger", "ram": "more", "latency": "slower"}
_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def figure(name: str, value: float | int | str | None, unit: str) -> str:
    """A value of a metric or a limit.

    >>> figure("flash", 24_508, "B"), figure("accuracy", 0.975, "fraction"), figure("macs", 1_250_000, "MAC")
    ('23.9 KiB', '97.50%', '1.25 M')
    """
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value
    if unit == "B":
        return format_size(value)
    if unit == "ms":
        return format_ms(value) if value else "0 ms"
    if is_share(name):
        return f"{value:.2%}"
    if name in ("macs", "parameters", "nonzero_parameters"):
        return count(value)
    if unit == "points":
        return points(value)
    number = plain(value)
    unit = "step" if unit == "steps" and value == 1 else unit
    return number if unit in ("", "fraction") else f"{number} {unit}"


def plain(value: float, digits: int = 4) -> str:
    """A number to some digits, without an exponent if it is large; whole numbers are unchanged.

    >>> plain(1.23456), plain(288_123.4), plain(12.0), plain(0.000_012_3, 3)
    ('1.235', '288,123', '12', '1.23e-05')
    """
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:,.0f}" if 10**digits <= abs(value) < ABSURD else f"{value:.{digits}g}"


def count(value: float) -> str:
    """A count, shortened.

    >>> count(950), count(1_250_000)
    ('950', '1.25 M')
    """
    for scale, prefix in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:.3g} {prefix}"
    return f"{value:.0f}"


def points(value: float) -> str:
    """Points, rounded to a hundredth.

    >>> points(0.5556), points(1.0), points(-0.001)
    ('0.56 points', '1 point', '0 points')
    """
    number = f"{value:.2f}".rstrip("0").rstrip(".")
    number = "0" if number == "-0" else number
    return points_as(number)


def points_as(number: str) -> str:
    """Points, with the digits of the given number.

    >>> points_as("1"), points_as("0.005")
    ('1 point', '0.005 points')
    """
    return f"{number} {'point' if number == '1' else 'points'}"


def of_one_sample(samples: int) -> str:
    """What one of so many samples counts in a share of them, in points.

    >>> of_one_sample(360)
    '0.28 points'
    """
    return points_as(f"{100 / samples:.2g}")


def beside(name: str, value: float | str | None, limit: float | str | None, unit: str) -> tuple[str, str]:
    """A value and its limit, with enough digits to show any difference: rounding must not contradict a verdict.

    >>> beside("flash", 524_300, 524_288, "B"), beside("accuracy_drop", 0.003, 0.0, "points")
    (('524,300 B', '524,288 B'), ('0.003 points', '0 points'))
    >>> beside("latency", 20.0001, 20.0, "ms"), beside("latency", 19.0, 20.0, "ms")
    (('20.0001 ms', '20 ms'), ('19 ms', '20 ms'))
    """
    said = figure(name, value, unit), figure(name, limit, unit)
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None or said[0] != said[1]:
        return said
    if math.isclose(value, limit, rel_tol=ALIKE):
        return said
    for digits in range(2, MOST_DIGITS):
        found = _exactly(name, value, unit, digits), _exactly(name, limit, unit, digits)
        if found[0] != found[1]:
            return found
    return said


def missed(check: Check) -> str:
    """A check that did not pass, in a line: its figure, its limit, its reason.

    >>> missed(Check(name="flash", outcome="fail", limit=1024, value=4096, unit="B", reason="4 times the limit"))
    'flash: 4.0 KiB where 1.0 KiB is allowed, 4 times the limit'
    """
    if check.value is None or check.limit is None:
        return f"{check.name}: {check.reason}"
    value, limit = beside(check.name, check.value, check.limit, check.unit)
    return f"{check.name}: {value} where {limit} is allowed, {check.reason}"


def _exactly(name: str, value: float, unit: str, digits: int) -> str:
    """A figure with a number of decimals, in its own unit, without zeros at the end."""
    is_percent = is_share(name)
    number = f"{100 * value if is_percent else value:,.{digits}f}"
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{number}%" if is_percent else f"{number} {unit}" if unit not in ("", "fraction") else number


def rough(value: float, unit: str) -> str:
    """A prediction, without decimals if it is large.

    >>> rough(167_424, "B"), rough(41_779, "B"), rough(0.0214, "ms")
    ('164 KiB', '40.8 KiB', '21.4 µs')
    """
    number, _, prefix = figure("", value, unit).partition(" ")
    return f"{float(number):.3g} {prefix}" if float(number) < 1000 else f"{number} {prefix}"


def span(low: str, high: str) -> str:
    """'low to high' of two figures, with the unit once if it is the same.

    >>> span("200 µs", "410 µs"), span("96.79%", "99.41%")
    ('200 to 410 µs', '96.79 to 99.41%')
    """
    number, _, unit = low.partition(" ")
    if unit and high.endswith(f" {unit}"):
        low = number
    return f"{low.removesuffix('%') if high.endswith('%') else low} to {high}"


def interval(name: str, low: float | None, high: float | None, unit: str) -> str:
    """'low to high' of an interval, with the unit once if it is the same; empty if there is none.

    >>> interval("latency", 0.2, 0.41, "ms"), interval("latency", 0.5, 1.25, "ms")
    ('200 to 410 µs', '500 µs to 1.25 ms')
    """
    if low is None or high is None:
        return ""
    return span(figure(name, low, unit), figure(name, high, unit))


def change(name: str, before: Metric | None, after: Metric | None) -> str:
    """How a result compares with the baseline, in the metric's own terms.

    >>> metric = lambda value: Metric(value=value, unit="B", basis="measured", source="")
    >>> change("flash", metric(4000), metric(1000))
    '4.0x smaller'
    """
    if before is None or after is None or before.value is None or after.value is None:
        return ""
    if name in FRACTIONS or after.unit == "points":
        points = (after.value - before.value) * (1 if after.unit == "points" else 100)
        return "same" if abs(points) < 0.005 else f"{points:+.2f} points"
    if before.value == after.value:
        return "same"
    if name in _SMALLER and before.value > 0 and after.value > 0:
        return _ratio(before.value, after.value, _SMALLER[name], _LARGER[name])
    return "" if name in _SHARES else relative(before.value, after.value)


LEAST_PERCENT = 1e-9
"""A smaller change is the rounding of the division."""


def relative(before: float, after: float) -> str:
    """How a figure changed: in percent, or as a factor if it changed by much.

    Empty if there is no ratio: from zero, or from a figure with the other sign.

    >>> relative(2.0, 2.2), relative(0.001, 2.88), relative(5.0, 0.001), relative(0.0, 1.0)
    ('+10%', '2,880x more', '5,000x less', '')
    """
    if before == 0 or after / before < 0:
        return ""
    if after == 0:
        return "-100%"
    ratio = after / before
    if 1 / MOST_FACTOR < ratio < MOST_FACTOR:
        change = (ratio - 1) * 100
        return f"{change if abs(change) >= LEAST_PERCENT else 0.0:+.3g}%"
    word = "more" if ratio > 1 else "less"
    factor = max(ratio, 1 / ratio)
    return "" if factor > ABSURD else f"{_factor(factor)}x {word}"


def _factor(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def steadiness(steady: bool, spread: float, slow: float) -> str:
    """Whether timed runs agree: `spread` is (p90 - p10) / median, `slow` is p90 / median.

    >>> steadiness(True, 0.12, 1.1)
    'steady, spread 12%'
    >>> steadiness(True, 8.37, 9.2)
    'the median is steady, single runs are not: a tenth of them takes 9.2 times the median or longer'
    """
    if spread <= MOST_SPREAD:
        return f"{'steady' if steady else 'not steady'}, spread {spread:.0%}"
    said = "the median is steady, single runs are not" if steady else "not steady"
    return f"{said}: a tenth of them takes {_factor(slow)} times the median or longer"


MOST_FACTOR = 3.0
"""From three times on, and below a third, a factor is clearer than a percentage."""
MOST_SPREAD = 0.5
ALIKE = 1e-9
"""Figures that differ by less are equal: summing in another order makes such a difference."""
MOST_DIGITS = 12
ABSURD = 1e9
"""No model changes by more than this: such a figure was written by hand."""


def _ratio(before: float, after: float, smaller: str, larger: str) -> str:
    factor, word = (before / after, smaller) if before >= after else (after / before, larger)
    if factor > ABSURD:
        return ""
    return "same" if factor < 1.005 else f"{factor:.{1 if factor >= 1.1 else 2}f}x {word}"


def costs(metrics: Metrics) -> str:
    """What a file takes and loses, in one line.

    >>> costs({"flash": Metric(value=4096, unit="B", basis="measured", source="")})
    '4.0 KiB flash'
    >>> costs({"accuracy_drop": Metric(value=3.0, unit="points", basis="predicted", source="", low=2.0, high=4.0)})
    '3 points predicted to be lost'
    """
    known = {name: metric for name in SUMMED if (metric := metrics.get(name)) is not None and metric.value is not None}
    told = [f"{figure(name, metric.value, metric.unit)} {name}" for name, metric in known.items() if name in _LARGER]
    drop = known.get("accuracy_drop")
    if drop is not None and drop.value is not None:
        way = "gained" if round(drop.value, 2) < 0 else "lost"
        told.append(f"{points(abs(drop.value))} {'predicted to be ' if drop.basis == 'predicted' else ''}{way}")
    return ", ".join(told)


def seconds(value: float) -> str:
    """A waiting time.

    >>> seconds(0.4), seconds(42), seconds(200), seconds(1800)
    ('0.4 s', '42 s', '3 min 20 s', '30 min')
    """
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def sentence(text: str) -> str:
    """A phrase as a sentence: with a capital and a full stop.

    >>> sentence("input 'x' is 0"), sentence("")
    ("Input 'x' is 0.", '')
    """
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def is_share(name: str) -> bool:
    """Whether a metric is shown in percent."""
    return name.removeprefix(KERAS) in _SHARES


def accuracy_name(report: Report) -> str | None:
    """The name of the metric that judges the model: the one that is not a cost or other known metric."""
    holders = [report.baseline, report.chosen, *report.candidates]
    names = (name for holder in holders if holder is not None for name in holder.metrics)
    return next((name for name in names if name not in ORDER + JUDGED and not name.startswith(KERAS)), None)


def ordered(*metrics: Metrics) -> list[str]:
    """Names of the metrics: first the one that judges the model, then costs in a fixed order."""
    names = {name: None for each in metrics for name in each}
    fixed = JUDGED + ORDER
    return [name for name in names if name not in fixed] + [name for name in fixed if name in names]


def waits_for(layer: LayerCycles) -> str:
    """What takes longest in a layer on an NPU, if that is not the arithmetic."""
    longest = max(layer.npu_cycles, layer.sram_cycles, layer.memory_cycles)
    if longest == layer.npu_cycles:
        return ""
    return "waits for flash or DRAM" if longest == layer.memory_cycles else "waits for SRAM"


def compiled_facts(made: Compiled) -> list[tuple[str, str]]:
    """What an NPU's compiler says of a whole file, in words."""
    facts = [
        ("compiler", f"{made.compiler}, {made.accelerator}, {made.system_config}, {made.memory_mode}"),
        ("operators", f"{made.on_npu} of {made.operators} on the NPU"),
    ]
    if made.cycles:
        per_second = 1e3 / made.milliseconds
        facts += [
            ("cycles", f"{made.cycles:,}, of which the NPU computes in {made.npu_cycles:,} ({made.npu_share:.0%})"),
            (
                "time",
                f"{format_ms(made.milliseconds)} at {made.clock_hz / 1e6:g} MHz, {per_second:.4g} inferences a second",
            ),
            ("weights", f"{format_size(made.weight_bytes)}, coded in {format_size(made.encoded_bytes)}"),
        ]
    if made.path:
        facts.append(("file", f"{made.path}, {format_size(made.bytes)}, SHA-256 {made.sha256}"))
    facts += [
        ("on the processor", f"{one.operator} {one.layer}: {one.reason or 'no reason given'}") for one in made.left
    ]
    return facts
