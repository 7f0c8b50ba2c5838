"""Stands in for llama-cpp-python, compiled for a GPU."""


def llama_supports_gpu_offload() -> bool:
    return True
