"""Fit a line by gradient descent, at a rate too high from a step on: the loss falls, then rises."""

import os
import time

import numpy as np

import firetower


def main() -> None:
    """Train until the loss is no number any more; print the process's id once it diverges."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(200, 3))
    wanted = inputs @ np.array([1.0, -2.0, 0.5]) + random.normal(scale=0.1, size=200)
    weights = np.zeros(3)
    with firetower.connect() as tower, tower.run("acme/vision", name="line-fit") as run:
        for step in range(10_000):
            error = inputs @ weights - wanted
            run.log(
                {"loss": float(np.mean(error**2)), "norm": float(np.linalg.norm(weights))}, step
            )
            rate = 0.05 if step < 30 else 1.5
            weights -= rate * 2 * inputs.T @ error / len(wanted)
            if step == 60:
                print(os.getpid(), flush=True)
            time.sleep(0.005 if step < 60 else 0.05)


if __name__ == "__main__":
    main()
