"""Kernels in what is smallest, in real files, and tflite-micro's own interpreter that gives the same outputs to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.tflite.breakdown import breakdown
from edgekit.tflite.coding.choose import coded_kernels, sites_of
from edgekit.tflite.coding.huffman import Huffman, codebook, counted, in_code
from edgekit.tflite.coding.insert import CONSTANT_BYTES, DECODER_BYTES, with_decoders
from edgekit.tflite.coding.lookup import Lookup, in_tables
from edgekit.tflite.coding.pruned import Pruned, without_zeros
from edgekit.tflite.diet.whole import dieted
from edgekit.tflite.expanded import expanded, has_coded
from edgekit.tflite.flat.tree import read_tree
from edgekit.tflite.flat.write import write_tree
from edgekit.tflite.model import TfliteModel
from edgekit.tflite.patched import patched
from edgekit.tflite.reader import parse_tflite
from edgekit.tflite.weights import kernels, model_sparsity

GOLDEN = Path(__file__).parents[2] / "golden"
CODED = ("pruned_int8", "clustered_int8", "int8", "int8_per_tensor")


def lean(name: str) -> TfliteModel:
    """A golden file after its diet, so that bytes are compared with bytes."""
    return parse_tflite(dieted((GOLDEN / f"{name}.tflite").read_bytes(), where=name).content, where=name)


def every_kernel(model: TfliteModel, encode) -> TfliteModel:
    """The file with all of its kernels coded one way, whether or not that pays."""
    coded = {site.tensor.index: encode(site) for site in sites_of(model)}
    return parse_tflite(with_decoders(model.content, coded, where="test"), where="test")


ENCODERS = {
    "tables": lambda site: in_tables(
        site.array, site.tensor.quantized_dimension if len(site.tensor.scales) > 1 else None
    ),
    "pruned": lambda site: without_zeros(site.array),
    "huffman": lambda site: in_code(site.array, codebook(counted(site.array))),
}


def shared(model: TfliteModel) -> TfliteModel:
    """All kernels in one code."""
    code = codebook(counted(np.concatenate([site.array.reshape(-1) for site in sites_of(model)])))
    return every_kernel(model, lambda site: in_code(site.array, code))


def answers(content: bytes, samples: int = 20) -> np.ndarray:
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 17)
    found = []
    for image in np.random.default_rng(7).integers(-128, 128, (samples, 1, 8, 8, 1)).astype(np.int8):
        interpreter.set_input(image, 0)
        interpreter.invoke()
        found.append(interpreter.get_output(0))
    return np.array(found)


def test_a_pruned_kernel_takes_a_bit_a_weight_and_its_values():
    """1,152 weights with 75% zeros: 144 B of bits, 16 + 288 B of values, in place of 1,152 B."""
    plain = lean("pruned_int8")
    (coded,) = coded_kernels(plain).values()
    assert (len(coded.stream), len(coded.ancillary)) == (1152 // 8, 16 + 1152 // 4)
    made = parse_tflite(with_decoders(plain.content, {5: coded}, where="test"), where="test")
    assert [type(tensor.coding) for tensor in made.tensors if tensor.coding] == [Pruned]
    assert made.size_bytes < plain.size_bytes - (1152 - 448) + 250


def test_a_clustered_kernel_takes_the_smaller_of_tables_and_a_code():
    plain = lean("clustered_int8")
    (coded,) = coded_kernels(plain).values()
    (site,) = (one for one in sites_of(plain) if one.array.size == 1152)
    assert coded.size_bytes == min(encode(site).size_bytes for encode in ENCODERS.values())


def test_what_gains_nothing_stays_plain():
    assert coded_kernels(lean("int8")) == {}
    assert all(site.tensor.dtype == "int8" for site in sites_of(lean("int8")))
    assert list(sites_of(lean("float32"))) == []


def test_a_dense_kernel_stays_plain_where_each_weight_is_used_once():
    assert coded_kernels(lean("pruned_int8"), least_macs=1) and not coded_kernels(lean("pruned_int8"), least_macs=2)


def test_the_bytes_that_decoders_take_are_what_was_weighed():
    """What a file of coded kernels has beside the data, less the operator's name: within a tenth of the constants' sum."""
    plain = lean("int8")
    made = every_kernel(plain, ENCODERS["pruned"])
    coded = [ENCODERS["pruned"](site) for site in sites_of(plain)]
    beside = made.size_bytes - plain.size_bytes + 1248 - sum(one.size_bytes for one in coded)
    assert beside / len(coded) == pytest.approx(DECODER_BYTES + CONSTANT_BYTES, abs=40)


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("way", [*ENCODERS, "shared"])
def test_the_weights_and_the_sums_are_those_of_the_plain_file(name, way):
    plain = lean(name)
    if way == "tables" and any(ENCODERS[way](site) is None for site in sites_of(plain)):
        pytest.skip("a channel has more than 128 values")
    made = shared(plain) if way == "shared" else every_kernel(plain, ENCODERS[way])
    assert has_coded(made) and len({type(one.coding) for one in made.tensors if one.coding}) == 1
    for mine, theirs in zip(kernels(made), kernels(plain), strict=True):
        assert (mine.dtype, mine.channel_axis, mine.zero) == (theirs.dtype, theirs.channel_axis, theirs.zero)
        np.testing.assert_array_equal(mine.array, theirs.array)
    assert (made.macs, model_sparsity(made)) == (plain.macs, model_sparsity(plain))
    parts = breakdown(made)
    assert parts.flash_bytes == parts.other_bytes + sum(row.flash_bytes for row in parts.operators)
    assert parts.peak_bytes > breakdown(plain).peak_bytes, "a kernel is decoded into memory"


@pytest.mark.micro
@pytest.mark.parametrize("name", CODED)
def test_tflite_micro_gives_the_same_outputs_to_the_bit(name):
    """Each way for every kernel: along the first axis (dense), along the last one (depthwise), and with one scale."""
    plain = lean(name)
    wanted = answers(plain.content)
    assert len(np.unique(wanted, axis=0)) > 1, "outputs that do not depend on the input would show nothing"
    ways = {way: every_kernel(plain, encode) for way, encode in ENCODERS.items() if way != "tables"}
    for made in (*ways.values(), shared(plain)):
        np.testing.assert_array_equal(answers(made.content), wanted)
        np.testing.assert_array_equal(answers(expanded(made)), wanted)


def test_a_kernel_that_two_operators_read_is_decoded_before_each():
    """What a decoder writes lives until the next operator."""
    plain = lean("pruned_int8")
    root = read_tree(plain.content, "test").root
    (graph,) = root.tables("subgraphs")
    operators = graph.tables("operators")
    twice = graph.with_fields(operators=(*operators[:4], operators[3], *operators[4:]))
    model = parse_tflite(write_tree(root.with_fields(subgraphs=(twice,))), where="test")
    coded = coded_kernels(model)
    made = parse_tflite(with_decoders(model.content, coded, where="test"), where="test")
    names = [operator.name for operator in made.operators]
    assert names[3:7] == ["TFLM_DECODE", "FULLY_CONNECTED"] * 2
    first, second = (made.operators[place].outputs[0] for place in (3, 5))
    assert first != second and made.operators[4].inputs[1] == first and made.operators[6].inputs[1] == second
    assert made.tensors[first].coding == made.tensors[second].coding and len(kernels(made)) == len(kernels(model))


def test_a_coded_file_is_not_coded_again_and_nothing_is_no_file():
    plain = lean("pruned_int8")
    made = parse_tflite(with_decoders(plain.content, coded_kernels(plain), where="test"), where="test")
    assert coded_kernels(made) == {} and with_decoders(plain.content, {}, where="test") is None


def test_a_code_is_shared_where_that_is_smaller():
    """Four kernels whose values are mostly zero gain by one code; its tables are in the file once."""
    plain = lean("int8")
    sparse = {
        kernel.index: np.where(np.random.default_rng(kernel.index).random(kernel.array.shape) < 0.7, 0, kernel.array)
        for kernel in kernels(plain)
    }
    content = patched(plain.content, plain, {index: array.astype(np.int8) for index, array in sparse.items()})
    made = shared(parse_tflite(content, where="test"))
    tables = {tensor.coding.tables for tensor in made.tensors if isinstance(tensor.coding, Huffman)}
    decoders = [operator for operator in made.operators if operator.custom]
    assert len(tables) == 1 and len(decoders) == 4 and len({one.inputs[1] for one in decoders}) == 1
    assert not any(isinstance(tensor.coding, Lookup) for tensor in made.tensors)


HUFFMAN = every_kernel(lean("clustered_int8"), ENCODERS["huffman"])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, HUFFMAN.size_bytes - 1), st.integers(0, 255))
def test_a_damaged_file_is_written_out_or_refused(place, value):
    content = bytearray(HUFFMAN.content)
    content[place] = value
    try:
        made = expanded(parse_tflite(bytes(content), where="test"))
    except ModelError:
        return
    assert len(made) < 100 * len(content)


def test_a_damaged_code_is_an_error_and_no_computed_tensor():
    plain = lean("clustered_int8")
    made = every_kernel(plain, ENCODERS["huffman"])
    decoder = next(operator for operator in made.operators if operator.custom)
    content = bytearray(made.content)
    start = made.tensors[decoder.inputs[1]].span[0]
    content[start + 16 : start + 20] = b"\0\0\0\0"
    with pytest.raises(ModelError) as caught:
        parse_tflite(bytes(content), where="test")
    assert "coded weights do not fit" in caught.value.what
