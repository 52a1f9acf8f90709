"""Trains the small XGBoost models beside this file and writes their predictions.

python3 make-golden.py        (Debian: apt-get install python3-xgboost; written with 1.7.4)

Each golden file holds the model as XGBoost saved it, rows with null for a missing value, and what
XGBoost predicts for them: `margins` before the objective's transformation, `predictions` after it.
"""

import json
import os

import numpy
import xgboost

FOLDER = os.path.dirname(os.path.abspath(__file__))
FEATURES = 6
ROWS = 1500
KEPT_ROWS = 37


def make_rows(generator):
    rows = generator.normal(size=(ROWS, FEATURES)).astype(numpy.float32).round(3)
    rows[:, 1] = generator.integers(0, 5, ROWS)
    rows[:, 2] *= 1000
    rows[generator.random((ROWS, FEATURES)) < 0.15] = numpy.nan
    return rows


def signal(rows):
    filled = numpy.nan_to_num(rows, nan=0.5)
    return filled[:, 0] + 0.5 * filled[:, 1] * (filled[:, 2] > 200) - filled[:, 3] * filled[:, 4]


def numbers(values):
    return [[None if numpy.isnan(x) else float(f"{x:.9g}") for x in row] for row in values]


def write(name, rows, labels, rounds, parameters):
    matrix = xgboost.DMatrix(rows, label=labels)
    model = xgboost.train({"seed": 42, "nthread": 1, **parameters}, matrix, rounds)
    path = os.path.join(FOLDER, name + ".json")
    model.save_model(path)
    with open(path) as file:
        saved = json.load(file)
    kept = rows[:KEPT_ROWS].copy()
    kept[0, :] = numpy.nan
    kept[1, 0] = numpy.inf
    kept[2, 2] = -numpy.inf
    # Values that stand exactly on a threshold: they go right.
    tree = saved["learner"]["gradient_booster"]["model"]["trees"][0]
    for row in range(3, 8):
        kept[row, tree["split_indices"][0]] = numpy.float32(tree["split_conditions"][0])
    finite = numpy.clip(kept, -1e30, 1e30)
    matrix = xgboost.DMatrix(finite)
    margins = model.predict(matrix, output_margin=True).reshape(KEPT_ROWS, -1)
    predictions = model.predict(matrix).reshape(KEPT_ROWS, -1)
    golden = {
        "xgboost": xgboost.__version__,
        "rows": numbers(finite),
        "margins": numbers(margins),
        "predictions": numbers(predictions),
        "model": saved,
    }
    with open(path, "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


generator = numpy.random.default_rng(42)
rows = make_rows(generator)
target = signal(rows) + 0.1 * generator.normal(size=ROWS)
write("regression", rows, target, 8, {"objective": "reg:squarederror", "max_depth": 6,
                                      "min_child_weight": 8, "base_score": 0.25})
write("binary", rows, target > 0.6, 10, {"objective": "binary:logistic", "max_depth": 4,
                                         "base_score": 0.3})
write("multiclass", rows, numpy.digitize(target, [-0.5, 1.5]), 5,
      {"objective": "multi:softprob", "num_class": 3, "max_depth": 3})
