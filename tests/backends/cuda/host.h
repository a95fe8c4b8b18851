// What kernels of CUDA ask for, on the host: threads of a block take turns, each until a barrier.
#include <math.h>
#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)

struct Place { unsigned x; };
static Place blockIdx, threadIdx;

static inline float __int_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}
static inline int __float_as_int(float x) {
    int bits;
    memcpy(&bits, &x, 4);
    return bits;
}
static inline double __longlong_as_double(unsigned long long bits) {
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long)(((unsigned __int128)x * y) >> 64);
}

static const unsigned MOST = 1024, STACK = 1 << 14;
struct Thread { ucontext_t start; jmp_buf here; bool begun, done; };
static Thread threads[MOST];
alignas(16) static char stacks[MOST][STACK];
static jmp_buf home;
static unsigned count;
static void (*kernel)(void**);
static void** given;

static void pause_here() {
    const unsigned t = threadIdx.x;
    if (!_setjmp(threads[t].here)) _longjmp(home, 1);
}
static void whole() {
    kernel(given);
    threads[threadIdx.x].done = true;
    _longjmp(home, 1);
}

// All `of` threads that come here go on when the last of them has come.
struct Barrier {
    unsigned here, turn;
    void wait(unsigned of) {
        const unsigned mine = turn;
        if (++here == of) here = 0, ++turn;
        while (turn == mine) pause_here();
    }
};
static Barrier block, warps[MOST / 32];
static char lanes[MOST][8];

static inline void __syncthreads() { block.wait(count); }
template <class T> static T __shfl_xor_sync(unsigned, T x, int lane) {
    const unsigned t = threadIdx.x;
    memcpy(lanes[t], &x, sizeof(T));
    warps[t / 32].wait(32);
    memcpy(&x, lanes[t ^ lane], sizeof(T));
    warps[t / 32].wait(32);
    return x;
}

static void resumed(unsigned t) {
    threadIdx.x = t;
    if (_setjmp(home)) return;
    if (threads[t].begun) _longjmp(threads[t].here, 1);
    threads[t].begun = true;
    getcontext(&threads[t].start);
    threads[t].start.uc_stack.ss_sp = stacks[t];
    threads[t].start.uc_stack.ss_size = STACK;
    threads[t].start.uc_link = 0;
    makecontext(&threads[t].start, whole, 0);
    setcontext(&threads[t].start);
}

static void block_with_barriers(bool backwards) {
    for (unsigned t = 0; t < count; ++t) threads[t].begun = threads[t].done = false;
    for (unsigned left = count; left;)
        for (unsigned i = 0; i < count; ++i) {
            const unsigned t = backwards ? count - 1 - i : i;
            if (threads[t].done) continue;
            resumed(t);
            left -= threads[t].done;
        }
}

static void launch(void (*what)(void**), void** arrays, unsigned blocks, unsigned size,
                   bool barriers, bool backwards) {
    kernel = what, given = arrays, count = size;
    for (unsigned b = 0; b < blocks; ++b) {
        blockIdx.x = b;
        if (barriers) {
            block_with_barriers(backwards);
            continue;
        }
        for (unsigned t = 0; t < size; ++t) {
            threadIdx.x = backwards ? size - 1 - t : t;
            kernel(given);
        }
    }
}
