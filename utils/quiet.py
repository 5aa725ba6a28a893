"""TensorFlow without its banner: `from utils.quiet import tf`.

TensorFlow prints log lines on standard error while it is imported, and no log level silences all of them. They carry
the time of day, so a notebook that shows them never has the same output twice. Errors are raised as usual.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _import_tensorflow():
    sys.stderr.flush()
    kept = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        import tensorflow

        tensorflow.zeros(1)  # a part of the banner comes with the first operation
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)
    return tensorflow


tf = _import_tensorflow()
