"""What a fused node computes at one point of its space, recorded from its operators' definitions.

Whoever writes loops, for LLVM or for CUDA, writes them of this record.
"""
