"""Train a linear model by gradient descent, and log every step to a run."""

import os
import signal
import sys

import numpy as np

import firetower


def main(steps: int, *, dies: bool) -> None:
    """Log the loss of each step; die without a word at the last one, or keep the model."""
    random = np.random.default_rng(0)
    weights = random.normal(size=8)
    inputs = random.normal(size=(200, 8))
    targets = inputs @ weights
    learned = np.zeros(8)
    config = {"steps": steps, "rate": 0.05}
    with (
        firetower.connect() as tower,
        tower.run("acme/vision", name="linear", config=config) as run,
    ):
        for step in range(steps):
            errors = inputs @ learned - targets
            learned -= 0.05 * inputs.T @ errors / len(errors)
            run.log({"loss": np.mean(errors**2), "norm": {"weights": np.linalg.norm(learned)}})
            if dies and step == steps - 1:
                run.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        reference = f"memory://{'-'.join(f'{weight:.3f}' for weight in learned)}"
        run.log_artifact("linear", type="model", references=[reference])


if __name__ == "__main__":
    main(int(sys.argv[1]), dies="dies" in sys.argv)
