"""Random numbers on a device: those that NumPy's Philox gives, bit for bit.

Source: Salmon et al. 2011, Philox4x64 with ten rounds. A block of four numbers is a function of the
key (seed, stream) and a counter (number of the block + 1, 0, step, 0); of each number the upper 53
bits are taken as a fraction.
"""

from __future__ import annotations

THREADS = 256
NAME = "philox"
HEAD = (
    f'extern "C" __global__ void __launch_bounds__({THREADS}) '
    f"{NAME}(const long long* key, word stream, long long n, double* out) {{\n"
)
BODY = """\
    const long long block = (long long)blockIdx.x * 256 + threadIdx.x;
    if (4 * block >= n) return;
    word k0 = (word)key[0], k1 = stream;
    word c0 = (word)block + 1, c1 = 0, c2 = (word)key[1], c3 = 0;
    for (int round = 0; round < 10; ++round) {
        const word high0 = __umul64hi(0xD2E7470EE14C6C93ull, c0), low0 = 0xD2E7470EE14C6C93ull * c0;
        const word high1 = __umul64hi(0xCA5A826395121157ull, c2), low1 = 0xCA5A826395121157ull * c2;
        c0 = high1 ^ c1 ^ k0;
        c2 = high0 ^ c3 ^ k1;
        c1 = low1;
        c3 = low0;
        k0 += 0x9E3779B97F4A7C15ull;
        k1 += 0xBB67AE8584CAA73Bull;
    }
    const word drawn[4] = {c0, c1, c2, c3};
    for (int i = 0; i < 4 && 4 * block + i < n; ++i)
        out[4 * block + i] = (double)(drawn[i] >> 11) * (1.0 / 9007199254740992.0);
}
"""
TEXT = f"typedef unsigned long long word;\n\n{HEAD}{BODY}"


def blocks(count: int) -> int:
    """How many blocks of threads draw so many numbers."""
    return -(-count // (4 * THREADS))
