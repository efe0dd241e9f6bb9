"""The child process that has TensorFlow: its jobs are `load`, `train`, `convert`, `predict`, `examine`, `check_loss`
and `probe`."""

from edgekit.child import Handler, serve


def _handlers() -> dict[str, Handler]:
    from edgekit.workshop.convert import convert
    from edgekit.workshop.examine import examine
    from edgekit.workshop.load import load
    from edgekit.workshop.loss import check_loss
    from edgekit.workshop.predict import predict
    from edgekit.workshop.probe import probe
    from edgekit.workshop.train import train

    return {
        "load": load,
        "train": train,
        "convert": convert,
        "predict": predict,
        "examine": examine,
        "check_loss": check_loss,
        "probe": probe,
    }


if __name__ == "__main__":
    serve(_handlers)
