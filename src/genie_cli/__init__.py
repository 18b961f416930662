"""genie: hard negatives for image classifiers, made by diffusion (GeNIe), at scale."""

__version__ = "0.1.0"
