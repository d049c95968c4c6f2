"""Random fields whose variogram is known."""

import numpy as np


class FieldMaker:
    """Gaussian fields of a VariogramModel on cells of one metre, by circulant embedding: exact where it is
    positive definite, and fast."""

    def __init__(self, model, shape):
        self.shape, self.size = shape, [2 * side for side in shape]
        ways = [np.minimum(np.arange(side), side - np.arange(side)) for side in self.size]
        covariance = model.covariance(np.hypot(*np.meshgrid(*ways, indexing="ij")))
        covariance[0, 0] += model.nugget
        self.root = np.sqrt(np.maximum(np.fft.rfft2(covariance).real, 0))

    def __call__(self, rng):
        """One field."""
        noise = np.fft.rfft2(rng.normal(size=self.size))
        return np.fft.irfft2(self.root * noise, s=self.size)[:self.shape[0], :self.shape[1]]
