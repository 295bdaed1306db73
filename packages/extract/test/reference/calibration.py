"""Figures of scikit-learn for calibration.test.ts: python calibration.py > calibration.json (scikit-learn 1.9.1)."""
import json
import math
import random

import numpy as np
from sklearn.calibration import _sigmoid_calibration
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

rng = random.Random(7)
cases = []
for count, share in ((40, 0.5), (400, 0.1), (1500, 0.02)):
    samples = []
    while len(samples) < count:
        # Three digits and few of them, so that there are ties.
        score = -round(math.exp(rng.gauss(-4, 3)), 3)
        right = rng.random() > share + (1 - share) * (1 - math.exp(score)) * 0.8
        samples.append({"score": score, "right": right})
    score = np.array([each["score"] for each in samples])
    right = np.array([each["right"] for each in samples], dtype=int)
    x = np.log(1e-4 - score)
    # 1 / (1 + exp(a x + b)) by Platt's method
    a, b = _sigmoid_calibration(x, right)
    # The same targets by weights, in another solver: each sample once as right and once as wrong.
    up, down = (right.sum() + 1) / (right.sum() + 2), 1 / ((1 - right).sum() + 2)
    target = np.where(right == 1, up, down)
    model = LogisticRegression(C=1e12, tol=1e-12, max_iter=10000).fit(
        np.concatenate([x, x])[:, None], np.concatenate([np.ones(count), np.zeros(count)]), np.concatenate([target, 1 - target])
    )
    confidence = 1 / (1 + np.exp(a * x + b))
    cases.append({
        "scores": [each["score"] for each in samples],
        "rights": [int(each["right"]) for each in samples],
        "sigmoid": {"intercept": -b, "slope": -a},
        "weighted": {"intercept": model.intercept_[0], "slope": model.coef_[0][0]},
        "auc": roc_auc_score(right, confidence),
        "brier": brier_score_loss(right, confidence),
    })
print(json.dumps(cases))
