"""The keys of `edgekit.toml`, as they are written in the file: text with units, nothing resolved.

`edgekit.project.project` turns this raw type into the validated `Project`. Tests compare the JSON Schema in `docs/` and
the commented file that `edgekit init` writes with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from edgekit.project.quantities import LARGEST_POINTS
from edgekit.values import Value

LARGEST_SEED = 2**32 - 1
Number = float
Positive = Annotated[int, Meta(ge=1)]
LARGEST_COUNT = 10**9
Count = Annotated[int, Meta(ge=1, le=LARGEST_COUNT)]
Source = Annotated[str, Meta(min_length=1)]
Aim = Literal["balanced", "smallest", "download", "ram", "fastest", "accurate"]
Fraction = Annotated[float, Meta(gt=0, lt=1)]


class ModelTable(Value):
    """`[model]`, or `model = "source"` for the source alone."""

    source: Annotated[
        Source, Meta(description="a .keras, .h5, SavedModel, .onnx, .pt2 or .tflite path, or module:function")
    ]
    imports: Annotated[tuple[str, ...], Meta(description="modules imported first: they register custom layers")] = (
        field(default=(), name="import")
    )
    version: Annotated[str, Meta(description="change it when a function's result changed and its source did not")] = ""
    held: Annotated[
        dict[str, Any],
        Meta(
            description="inputs of an ONNX or PyTorch model that are held at a value, which the file then lacks: a number, true, false, or lists of them",
            extra_json_schema={"additionalProperties": {"type": ["number", "boolean", "array"]}},
        ),
    ] = {}


class StudentTable(Value):
    """`[student]`: a smaller network, which is trained in the model's place with the model as its teacher: your own, or derived from the model."""

    source: Annotated[
        Source | None,
        Meta(
            description="a .keras, .h5, SavedModel, .onnx or .pt2 path, or module:function: a network with the model's inputs and outputs"
        ),
    ] = field(default=None, name="model")
    width: Annotated[
        Fraction | None, Meta(description="derived from the model: the share of every hidden layer's channels")
    ] = None
    depth: Annotated[Fraction | None, Meta(description="derived from the model: the share of its residual blocks")] = (
        None
    )
    version: Annotated[str, Meta(description="change it when a function's result changed and its source did not")] = ""
    epochs: Annotated[Count | None, Meta(description="the most epochs of its training; else those of [training]")] = (
        None
    )
    features: Annotated[
        Number,
        Meta(
            ge=0,
            le=100,
            description="weight in its loss of inner tensors of the float model as targets; 0: outputs alone",
        ),
    ] = 0.0

    @property
    def shares(self) -> dict[str, float]:
        """What is left of the model in a derived student, by key; empty for a network of its own."""
        given = {"width": self.width, "depth": self.depth}
        return {name: share for name, share in given.items() if share is not None}

    @property
    def as_model(self) -> ModelTable | None:
        """The network as a model that is opened; None where it is derived."""
        return None if self.source is None else ModelTable(source=self.source, version=self.version)


class DataTable(Value):
    """`[data]`, or `data = "source"` for the source alone."""

    source: Annotated[
        Source,
        Meta(description="an .npz, a .csv, .tsv or .parquet, a folder of images a class each, or module:function"),
    ]
    version: Annotated[str, Meta(description="change it when a function's result changed and its source did not")] = ""
    validation: Annotated[
        Fraction, Meta(description="share of the training split held out, where the data has no validation split")
    ] = 0.2
    test: Annotated[
        Fraction, Meta(description="share of the samples held out as the test split, where the data has none")
    ] = 0.2
    classes: Annotated[
        tuple[str, ...],
        Meta(description="class names in the order of the model's outputs; else by the alphabet, numbers by size"),
    ] = ()
    image_size: Annotated[
        tuple[Positive, Positive] | None, Meta(description="height and width that images are resized to; never guessed")
    ] = None
    interpolation: Annotated[
        Literal["bilinear", "nearest", "antialias"],
        Meta(
            description="how image_size is reached: bilinear as image_dataset_from_directory, nearest as load_img, or antialias, which averages where it shrinks"
        ),
    ] = "bilinear"
    channels: Annotated[
        Literal["first", "last"] | None,
        Meta(description="of pictures for a model in ONNX: where an array's channels are; else seen from its shape"),
    ] = None
    grayscale: Annotated[bool, Meta(description="decode images to one channel")] = False
    target: Annotated[
        str | tuple[str, ...] | None,
        Meta(description="of a table: the column that the model tells, or several of numbers"),
    ] = None
    features: Annotated[
        tuple[str, ...], Meta(description="of a table: the columns that the model takes, in order; else all others")
    ] = ()
    drop: Annotated[tuple[str, ...], Meta(description="of a table: columns that are no features")] = ()
    split: Annotated[
        str | None, Meta(description="of a table: the column that says train, val or test for each row")
    ] = None
    group: Annotated[
        str | None,
        Meta(description="of a table: the column whose equal values stay in one split, as a person or a recording"),
    ] = None
    test_source: Annotated[str | None, Meta(description="a second table, with the test split")] = None
    target_kind: Annotated[
        Literal["classes", "numbers"] | None,
        Meta(
            description="of a table: what the target is; else text is classes, and whole numbers unless the model regresses"
        ),
    ] = None
    missing: Annotated[
        Literal["refuse", "drop"], Meta(description="of a table: what is done with rows in which a value is missing")
    ] = "refuse"
    window: Annotated[
        Positive | None, Meta(description="of a table: so many rows in a row make one sample, without overlap")
    ] = None
    shape: Annotated[
        tuple[Positive, ...] | None, Meta(description="of a table: the shape of a sample, its values row by row")
    ] = None
    separator: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1)] | None,
        Meta(description="between the columns of a .csv; else seen"),
    ] = None
    decimal: Annotated[Literal[".", ","] | None, Meta(description="the decimal sign of a .csv; else seen")] = None
    header: Annotated[bool, Meta(description="whether the first line of a .csv holds the columns' names")] = True
    scale: Annotated[Number, Meta(description="multiplies every decoded image")] = 1.0
    offset: Annotated[Number, Meta(description="added to every decoded image after scale")] = 0.0


class GoalTable(Value):
    """`[goal]`: what may be lost, and what is to be gained."""

    max_drop: Annotated[
        Number, Meta(ge=0, le=LARGEST_POINTS, description="points of the metric that may be lost; 1 point = 0.01")
    ] = 1.0
    metric: Annotated[
        str | None,
        Meta(
            description="accuracy, balanced_accuracy, auc, mae, mse or module:function(y_true, y_pred); else accuracy of "
            "classes and labels, mae of a regression"
        ),
    ] = None
    direction: Annotated[
        Literal["higher", "lower"] | None, Meta(description="which is better, for a metric of your own")
    ] = None
    output: Annotated[int, Meta(ge=0, description="the model output that the metric looks at")] = 0
    aim: Annotated[
        Aim | None,
        Meta(description="what is wanted of the candidates that hold every limit; without it and a currency: balanced"),
    ] = None
    currency: Annotated[
        Literal["flash", "download", "ram", "latency"] | None,
        Meta(
            description="the aim by what it makes small: flash is smallest, latency is fastest, the others are named alike"
        ),
    ] = None
    search: Annotated[
        Literal["first", "all"],
        Meta(description="first: stop when nothing left promises more; all: try whatever the device takes"),
    ] = "first"


class BudgetTable(Value):
    """`[budget]`: limits that override the device profile's."""

    flash: Annotated[str | None, Meta(description="size of the .tflite, as in '512KiB'")] = None
    download: Annotated[str | None, Meta(description="size of the deflated .tflite, as in '200KiB'")] = None
    ram: Annotated[str | None, Meta(description="memory the model may use, as in '64KiB'")] = None
    latency: Annotated[str | None, Meta(description="median time of one inference, as in '20ms'")] = None


class AugmentTable(Value):
    """`[training] augment`: how the samples of a fine-tune are varied; what is not named is not done."""

    flip: Annotated[
        Literal["horizontal", "vertical", "both"] | None,
        Meta(
            description="of images: 'horizontal' mirrors half of them left to right, 'vertical' upside down; or 'both'"
        ),
    ] = None
    shift: Annotated[
        Annotated[Number, Meta(gt=0, le=0.5)] | None,
        Meta(
            description="of images and sequences: the largest share of their size that they are moved by, above 0 to 0.5"
        ),
    ] = None
    crop: Annotated[
        Annotated[Number, Meta(gt=0, le=0.5)] | None,
        Meta(description="of images: the largest share of height and width that is cut off, above 0 to 0.5"),
    ] = None
    colour: Annotated[
        Annotated[Number, Meta(gt=0, le=1)] | None,
        Meta(description="of images: the largest change of brightness, contrast and saturation, above 0 to 1"),
    ] = None
    noise: Annotated[
        Annotated[Number, Meta(gt=0, le=1)] | None,
        Meta(description="of any real values: Gaussian noise, in standard deviations of each channel, above 0 to 1"),
    ] = None


class TrainingTable(Value):
    """`[training]`: how every fine-tune is done."""

    loss: Annotated[
        str | tuple[str, ...] | None,
        Meta(
            description="a Keras loss by name, or a list with one an output; else the model's own, else by its output"
        ),
    ] = None
    epochs: Annotated[
        int,
        Meta(
            ge=0, le=LARGEST_COUNT, description="the most epochs of each fine-tune; 0: post-training conversions only"
        ),
    ] = 4
    batch_size: Annotated[Count, Meta(description="samples a step")] = 32
    learning_rate: Annotated[
        Annotated[Number, Meta(gt=0, le=1000)] | None,
        Meta(description="Adam's learning rate at the start of each fine-tune; else found by probes"),
    ] = None
    distillation: Annotated[
        Number, Meta(ge=0, lt=1, description="share of the float model's own outputs in the loss of each fine-tune")
    ] = 0.5
    temperature: Annotated[
        Number,
        Meta(
            gt=0,
            le=1e6,
            description="of outputs that are classes: by which both models' logits are divided in distillation",
        ),
    ] = 4.0
    exclude: Annotated[
        tuple[str, ...],
        Meta(description="layers that no training technique works on, by name or pattern, as in 'head*'"),
    ] = ()
    engine: Annotated[
        Literal["edgekit", "tfmot"],
        Meta(
            description="'edgekit' or 'tfmot' (TensorFlow Model Optimization, which takes fewer models): what simulates int8 in training"
        ),
    ] = "edgekit"
    augment: Annotated[
        AugmentTable | None,
        Meta(
            description="how training samples are varied, as in { flip = 'horizontal', shift = 0.1 }; else not at all"
        ),
    ] = None


class CalibrationTable(Value):
    """`[calibration]`: the representative data set of post-training quantization."""

    samples: Annotated[Count, Meta(description="training samples, stratified by class")] = 200


class StepTable(Value):
    """A step of a chain of your own: a technique with settings; the name alone stands for its defaults."""

    technique: Annotated[str, Meta(description="its name, as in 'pruning'")]
    settings: Annotated[
        dict[str, Any], Meta(description="its settings, as in { sparsity = 0.5, pattern = '2:4' }")
    ] = {}


class ChainTable(Value):
    """`[[chain]]`: a candidate of your own, tried beside those of the planner."""

    steps: Annotated[
        tuple[StepTable | str, ...], Meta(min_length=1, description="techniques in their order, a conversion last")
    ]


class ProjectFile(Value):
    """The whole of `edgekit.toml`."""

    model: ModelTable | Source | None = None
    data: DataTable | Source | None = None
    student: StudentTable | Source | None = None
    device: Annotated[str | tuple[str, ...] | None, Meta(description="device ids or profile paths")] = None
    seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED, description="of every random choice")] = 0
    time_budget: Annotated[str, Meta(description="when to stop starting new trials, as in '30min'")] = "30min"
    emulate: Annotated[bool, Meta(description="run the chosen file on the device's emulated board, as a check")] = False
    strict: Annotated[bool, Meta(description="fail where the data or the model make the figures hard to believe")] = (
        False
    )
    keep_names: Annotated[
        bool, Meta(description="keep the names of inner tensors in the .tflite, which no runtime needs")
    ] = False
    goal: GoalTable = GoalTable()
    budget: BudgetTable = BudgetTable()
    training: TrainingTable = TrainingTable()
    calibration: CalibrationTable = CalibrationTable()
    chain: Annotated[tuple[ChainTable, ...], Meta(description="candidates of your own")] = ()
