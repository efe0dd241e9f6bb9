"""Which operators a delegate really took: told from the nodes, and from a delegate that the test compiles."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.boards.runner.operators import reached, split
from edgekit.boards.runner_protocol import document

ROOT = Path(__file__).parents[3]

# The first members of the structs in tensorflow/lite/core/c/common.h, and of a registration all: it goes by value.
DELEGATE = """
#include <stdint.h>
#include <stdlib.h>
typedef struct { int size; int data[]; } Ints;
typedef struct Context Context;
typedef struct Delegate Delegate;
typedef struct {
  void *(*init)(Context *, const char *, size_t); void (*release)(Context *, void *);
  int (*prepare)(Context *, void *); int (*invoke)(Context *, void *); const char *(*profiling)(const Context *, const void *);
  int32_t builtin_code; const char *custom_name; int version; void *external; void *async; uint64_t inplace;
} Registration;
struct Context {
  size_t size; int (*plan)(Context *, Ints **); void *tensors, *impl, *resize, *report, *add, *node;
  int (*replace)(Context *, Registration, const Ints *, Delegate *);
};
struct Delegate { void *data; int (*prepare)(Context *, Delegate *); void *from, *to, *release; int64_t flags; void *opaque; };
static void *init(Context *c, const char *b, size_t n) { return NULL; }
static void release(Context *c, void *d) {}
static int nothing(Context *c, void *n) { return 0; }
static int prepare(Context *context, Delegate *delegate) {
  Ints *plan;
  int taken = TAKEN;
  if (taken == 0) return 0;
  if (context->plan(context, &plan)) return 1;
  Ints *mine = malloc(sizeof(int) * (taken + 1));
  mine->size = taken;
  for (int i = 0; i < taken; i++) mine->data[i] = plan->data[i];
  Registration kernel = { init, release, nothing, nothing, NULL, 51, "Mine", 1, NULL, NULL, 0 };
  int status = context->replace(context, kernel, mine, delegate);
  free(mine);
  return status;
}
Delegate *tflite_plugin_create_delegate(char **k, char **v, size_t n, void (*e)(const char *)) {
  Delegate *made = calloc(1, sizeof *made);
  made->prepare = prepare;
  return made;
}
void tflite_plugin_destroy_delegate(Delegate *d) { free(d); }
"""


def test_a_delegate_took_what_lies_between_its_inputs_and_its_outputs():
    own = [("CONV_2D", [0, 5], [1]), ("SOFTMAX", [1], [2]), ("ADD", [2, 1], [3]), ("RELU", [3], [4])]
    nodes = [*own, ("DELEGATE", [0, 5], [1]), ("DELEGATE", [1, 2], [4])]
    assert split(nodes) == (own, nodes[4:])
    assert [reached(own, node) for node in nodes[4:]] == [{0}, {2, 3}]


def test_optional_tensors_and_loops_end():
    own = [("LSTM", [0, -1, 1], [1]), ("FULLY_CONNECTED", [1, -1], [2])]
    assert reached(own, ("DELEGATE", [0], [2])) == {0, 1}
    assert reached(own, ("DELEGATE", [], [])) == set()


@pytest.mark.parametrize(("taken", "left_for_xnnpack"), [(0, 5), (2, 3)])
def test_what_the_asked_delegate_took_is_told_from_what_xnnpack_took(taken, left_for_xnnpack, tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to make a delegate with")
    (tmp_path / "mine.c").write_text(DELEGATE)
    library = tmp_path / "my delegate.so"
    command = ["cc", "-shared", "-fPIC", f"-DTAKEN={taken}", "-o", str(library), str(tmp_path / "mine.c")]
    subprocess.run(command, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, ROOT / "edgekit/boards/edgekit-bench.pyz", ROOT / "tests/golden/int8.tflite", "--no-timing",
         "--no-memory", "--delegate", os.path.relpath(library)],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found = document(done.stdout)
    assert found.operators.by_delegate == {"asked for": taken, "xnnpack": left_for_xnnpack, "none": 1}
    assert found.operators.left == ("SOFTMAX",) and found.operators.total == 6
    assert found.delegate.active is (taken > 0)
    assert any("took none of the 6" in note for note in found.notes) is (taken == 0)
