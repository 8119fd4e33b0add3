"""Networks from strangers are read before the runtime is, and cannot take all memory."""

from __future__ import annotations

import random
import sys
from contextlib import suppress

import numpy as np
import pytest
import synth
from ai_edge_litert import schema_py_generated as schema
from cli.running import genretag_here
from security.strangers import model_with

from tagger.errors import ModelError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.cnn import Cnn
from tagger.models.tflite_file import check_tflite


@pytest.fixture(scope="module")
def network() -> bytes:
    bundle = load_bundle(find_bundle("default"))
    return bundle.weights[bundle.cnn.file]


def edited(network, edit):
    """The network after an edit to its parts, packed anew."""
    model = schema.ModelT.InitFromPackedBuf(network, 0)
    edit(model)
    builder = schema.flatbuffers.Builder(len(network))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_what_is_packed_anew_is_still_a_network(network):
    check_tflite(edited(network, lambda model: None), "n")


def custom(model):
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"FlexPyFunc\x1b[31m"


def named(model):
    model.operatorCodes[0].customCode = b"Evil"


def operator(number):
    def edit(model):
        model.operatorCodes[0].builtinCode = number

    return edit


def gigantic(model):
    model.subgraphs[0].tensors[0].shape = [2**20, 2**20, 2**10, 1]


def overflowing(model):
    model.subgraphs[0].tensors[0].shape = [2**30] * 40


def text(model):
    model.subgraphs[0].tensors[0].type = schema.TensorType.STRING


def beyond(model):
    model.subgraphs[0].operators[3].inputs = [10**6]


def no_buffer(model):
    model.subgraphs[0].tensors[0].buffer = 10**6


def larger_than_its_numbers(model):
    tensors = model.subgraphs[0].tensors
    weights = next(t for t in tensors if model.buffers[t.buffer].data is not None)
    weights.shape = [2**28]


def elsewhere(model):
    model.buffers[1].offset, model.buffers[1].size = 2, 1 << 40


def sparse(model):
    model.subgraphs[0].tensors[0].sparsity = schema.SparsityParametersT()


def twice(model):
    model.subgraphs.append(model.subgraphs[0])


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (custom, r"a custom operator, 'FlexPyFunc\\x1b\[31m', has no place"),
        (named, "a custom operator, 'Evil', has no place"),
        (operator(schema.BuiltinOperator.WHILE), "the operator, number 119, has no place"),
        (operator(schema.BuiltinOperator.VAR_HANDLE), "has no place"),
        (operator(schema.BuiltinOperator.BROADCAST_TO), "has no place"),
        (gigantic, "a tensor wants 4,294,967,296 MB of memory for one patch"),
        (overflowing, "MB of memory for one patch"),
        (text, "type 5 has no place"),
        (beyond, "a tensor that is not there"),
        (no_buffer, "a buffer that is not there"),
        (larger_than_its_numbers, "of another length than its numbers"),
        (elsewhere, "outside of the file's own structure"),
        (sparse, "a field that is not known"),
        (twice, "one graph, not 2"),
    ],
)
def test_what_has_no_place_in_a_network(network, edit, said):
    with pytest.raises(ModelError, match=said):
        check_tflite(edited(network, edit), "n")


@pytest.mark.parametrize("data", [b"", b"network", b"\0\0\0\0TFL3", b"\xff\xff\xff\xffTFL3" * 9])
def test_no_network_at_all(data):
    with pytest.raises(ModelError, match="cannot be loaded"):
        check_tflite(data, "n")


def test_a_network_that_is_cut_short(network):
    for length in (20, 100, 1000, 4096, len(network) // 2, len(network) - 4096, len(network) - 8):
        with pytest.raises(ModelError, match="cannot be loaded"):
            check_tflite(network[:length], "n")


def test_damage_is_an_error_of_ours_or_none(network):
    chance = random.Random(7)
    small = edited(network, lambda model: [setattr(b, "data", None) for b in model.buffers])
    for _ in range(300):
        damaged = bytearray(small)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(ModelError):
            check_tflite(bytes(damaged), "n")


def doubling(model, times=14):
    """Doubles its input again and again, and says of each result that it is as small as before."""
    graph = model.subgraphs[0]
    code = next(
        i
        for i, code in enumerate(model.operatorCodes)
        if code.builtinCode == schema.BuiltinOperator.CONCATENATION
    )
    last = graph.inputs[0]
    for _ in range(times):
        tensor = schema.TensorT()
        tensor.shape = list(graph.tensors[graph.inputs[0]].shape)
        graph.tensors.append(tensor)
        joined = schema.OperatorT()
        joined.opcodeIndex = code
        joined.inputs, joined.outputs = [last, last], [len(graph.tensors) - 1]
        joined.builtinOptionsType = schema.BuiltinOptions.ConcatenationOptions
        joined.builtinOptions = schema.ConcatenationOptionsT()
        joined.builtinOptions.axis = 1
        graph.operators.append(joined)
        last = joined.outputs[0]
    graph.outputs = [*graph.outputs, last]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
def test_memory_that_no_shape_admits(tmp_path, network):
    """96 KB, doubled 14 times: 1.5 GB."""
    bundle = load_bundle(model_with(tmp_path / "m", "tflite", edited(network, doubling)))
    cnn = Cnn(bundle)
    with pytest.raises(ModelError, match="wants more memory than a model may take"):
        cnn.look(np.zeros((1, 128, bundle.cnn.columns, 1), np.float32))


def test_memory_that_a_network_may_take(tmp_path, network):
    few = edited(network, lambda model: doubling(model, 8))
    bundle = load_bundle(model_with(tmp_path / "m", "tflite", few))
    look = Cnn(bundle).look(np.zeros((1, 128, bundle.cnn.columns, 1), np.float32))
    assert look.log_probs.shape == (1, len(bundle.fitted_labels))


@pytest.mark.parametrize("what", ["verify", "show", "scan"])
def test_commands_that_are_given_a_damaged_network(tmp_path, network, what):
    """In native code this would be the end of the process."""
    folder = model_with(tmp_path / "m", "tflite", network[: len(network) // 2])
    song = synth.write(tmp_path / "a.flac", synth.song(4.0))
    commands = {
        "verify": ("models", "verify", "--model", folder),
        "show": ("show", song, "--model", folder),
        "scan": ("scan", "-n", song, "--model", folder),
    }
    run = genretag_here(*commands[what], code=2)
    assert "the file is damaged or cut short" in run.stderr
    assert run.stderr.splitlines()[-1].startswith("genretag: ")
