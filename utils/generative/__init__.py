"""Networks that make images: autoencoders (unit 10), GANs and what is done with them (unit 11)."""
from utils import other_versions_names

__getattr__ = other_versions_names(__name__)
