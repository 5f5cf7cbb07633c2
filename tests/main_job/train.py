"""Train two models on scikit-learn's digits, and keep what they are in Firetower."""

import json
import pickle
import sys
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

import firetower


def main(folder: Path) -> None:
    """Log the data set and both models, link the better one, move `production` to it."""
    images, digits = load_digits(return_X_y=True)
    parts = train_test_split(images, digits, test_size=0.3, random_state=0)
    train_images, test_images, train_digits, test_digits = parts
    data = folder / "digits.json"
    data.write_text(json.dumps({"images": images.tolist(), "digits": digits.tolist()}))
    with firetower.connect() as tower:
        tower.log("acme/vision/digits", [data], type="dataset", metadata={"rows": len(digits)})
        scores = {}
        for name, rows in (("quick", 40), ("thorough", 1_000)):
            model = LogisticRegression(max_iter=5_000)
            model.fit(train_images[:rows] / 16, train_digits[:rows])
            f1 = f1_score(test_digits, model.predict(test_images / 16), average="macro")
            file = folder / name / "model.pkl"
            file.parent.mkdir()
            file.write_bytes(pickle.dumps(model))
            version = tower.log(
                "acme/vision/digits-classifier",
                [file],
                type="model",
                aliases=[name],
                metadata={"f1": f1, "rows": rows},
            )
            scores[version.reference] = f1
        best = max(scores, key=lambda reference: scores[reference])
        linked = tower.link(best, "models/digits-classifier")
        tower.add_alias(linked, "production")
        print(f"{linked} is in production, f1 {scores[best]:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
