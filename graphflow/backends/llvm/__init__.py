"""Machine code for all threads, by LLVM: from its text, or from functions in a part of Python."""
