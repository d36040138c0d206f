"""The folder that is put first on a workload's PYTHONPATH; it holds `sitecustomize.py` alone."""
