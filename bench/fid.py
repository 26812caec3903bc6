"""pytorch-fid's calculate_frechet_distance (pytorch_fid/fid_score.py) on two .npz of statistics: fid.py A B."""
import sys
import time

import numpy as np
from scipy import linalg

with np.load(sys.argv[1]) as a, np.load(sys.argv[2]) as b:
    mu1, sigma1, mu2, sigma2 = a["mu"], a["sigma"], b["mu"], b["sigma"]
begun = time.perf_counter()
diff = mu1 - mu2
covmean, _ = linalg.sqrtm(sigma1.dot(sigma2), disp=False)
if not np.isfinite(covmean).all():
    offset = np.eye(sigma1.shape[0]) * 1e-6
    covmean = linalg.sqrtm((sigma1 + offset).dot(sigma2 + offset))
if np.iscomplexobj(covmean):
    covmean = covmean.real
distance = diff.dot(diff) + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(covmean)
print(f"seconds {time.perf_counter() - begun:.4f}")
print(f"distance {float(distance)!r}")
