"""The child process that has TensorFlow: its jobs are `load`, `train`, `convert`, `predict`, `examine`, `take_form`,
`compare`, `derive`, `sized_facts`, `check_loss` and `probe`."""

from edgekit.jobs.child import Handler, serve


def _handlers() -> dict[str, Handler]:
    from edgekit.make.workshop.compare_on_data import compare_on_data
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.derive import derive
    from edgekit.make.workshop.examine import examine
    from edgekit.make.workshop.form import take_form
    from edgekit.make.workshop.load import load
    from edgekit.make.workshop.loss import check_loss
    from edgekit.make.workshop.predict import predict
    from edgekit.make.workshop.probe import probe
    from edgekit.make.workshop.sized_facts import sized_facts
    from edgekit.make.workshop.train import train

    return {
        "load": load,
        "train": train,
        "convert": convert,
        "predict": predict,
        "examine": examine,
        "take_form": take_form,
        "compare": compare_on_data,
        "derive": derive,
        "sized_facts": sized_facts,
        "check_loss": check_loss,
        "probe": probe,
    }


if __name__ == "__main__":
    serve(_handlers)
