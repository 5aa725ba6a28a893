"""TensorFlow without its banner: `from utils.quiet import tf`.

TensorFlow prints log lines on standard error while it is imported, and no log level silences all of them. They carry
the time of day, so a notebook that shows them never has the same output twice. Errors are raised as usual.

Keras reads its backend and its defaults from the environment and from ~/.keras/keras.json, where another project may have left
others: here they are always those the course is written for.
"""
import os
import sys
from types import ModuleType

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
for name in ("TF_USE_LEGACY_KERAS", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):  # Keras 2; trainings that end early
    os.environ.pop(name, None)


def _import_tensorflow() -> ModuleType:
    sys.stderr.flush()
    kept = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")  # no advice on retracing (each network is traced once) and no paths
        tensorflow.zeros(1)  # a part of the banner comes with the first operation
        if tensorflow.keras.config.backend() != "tensorflow":
            raise ImportError("Keras was imported before utils, with another backend: restart the kernel and import utils first.")
        tensorflow.keras.config.set_image_data_format("channels_last")
        tensorflow.keras.config.set_floatx("float32")
        tensorflow.keras.config.set_epsilon(1e-7)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)
    return tensorflow


tf = _import_tensorflow()
