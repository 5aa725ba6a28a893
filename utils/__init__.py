"""The code of the course, written to be read. One file or folder per idea; start with `layers.py` or `attacks/`."""
