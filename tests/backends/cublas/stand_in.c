/* What stands for cuBLASLt on this machine: the calls that graphflow makes, which multiply here. It
 * takes what it is given for what the header says: matrices column by column, sums in double. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int compute, scale, trans[2], epilogue; uintptr_t bias; } Operation;
typedef struct { int kind, count; uint64_t rows, columns; int64_t apart, step; } Layout;
typedef struct { uint64_t workspace; uint32_t aligned[4]; } Preference;
typedef struct { uint64_t data[8]; size_t workspace; int state; float waves; int reserved[4]; } Answer;
typedef void *Stream;

static int alive;
static Stream last;
enum { INVALID = 7, UNSUPPORTED = 15, WORKSPACE = 64, TF32 = 77, PLAIN = 1, BIAS = 4, BIAS_RELU = 6 };

int stand_in_alive(void) { return alive; }
Stream stand_in_stream(void) { return last; }

int cublasLtCreate(void **handle) { *handle = &alive; return 0; }

int cublasLtMatmulDescCreate(Operation **made, int compute, int scale)
{
    if (compute != 68 && compute != 70 && compute != TF32) return INVALID;
    if (scale != (compute == 70)) return INVALID;
    *made = calloc(1, sizeof **made);
    (*made)->compute = compute;
    (*made)->epilogue = PLAIN;
    (*made)->scale = scale;
    return 0;
}

int cublasLtMatmulDescSetAttribute(Operation *o, int what, const void *value, size_t size)
{
    if ((what == 3 || what == 4) && size == 4) memcpy(&o->trans[what - 3], value, size);
    else if (what == 7 && size == 4) memcpy(&o->epilogue, value, size);
    else if (what == 8 && size == 8) memcpy(&o->bias, value, size);
    else return INVALID;
    return 0;
}

int cublasLtMatrixLayoutCreate(Layout **made, int kind, uint64_t rows, uint64_t columns, int64_t apart)
{
    if (apart < (int64_t)rows) return INVALID;
    *made = calloc(1, sizeof **made);
    **made = (Layout){kind, 1, rows, columns, apart, 0};
    return 0;
}

int cublasLtMatrixLayoutSetAttribute(Layout *l, int what, const void *value, size_t size)
{
    if (what == 5 && size == 4) memcpy(&l->count, value, size);
    else if (what == 6 && size == 8) memcpy(&l->step, value, size);
    else return INVALID;
    return 0;
}

int cublasLtMatmulPreferenceCreate(Preference **made)
{
    *made = calloc(1, sizeof **made);
    alive++;
    return 0;
}

int cublasLtMatmulPreferenceSetAttribute(Preference *p, int what, const void *value, size_t size)
{
    if (what == 1 && size == 8) memcpy(&p->workspace, value, size);
    else if (what >= 5 && what <= 8 && size == 4) memcpy(&p->aligned[what - 5], value, size);
    else return INVALID;
    return 0;
}

int cublasLtMatmulPreferenceDestroy(Preference *p) { free(p); alive--; return 0; }

static uint64_t inner(const Layout *l, int trans) { return trans ? l->rows : l->columns; }
static uint64_t outer(const Layout *l, int trans) { return trans ? l->columns : l->rows; }

static int fits(const Operation *o, const Layout *a, const Layout *b, const Layout *d)
{
    return outer(a, o->trans[0]) == d->rows && inner(b, o->trans[1]) == d->columns
        && inner(a, o->trans[0]) == outer(b, o->trans[1]) && a->kind == b->kind && b->kind == d->kind
        && a->count == b->count && b->count == d->count && (d->kind == 1) == (o->compute == 70);
}

/* Whether nothing is added, or a vector of float32 on a boundary is. */
static int added(const Operation *o, const Layout *d)
{
    if (o->epilogue == PLAIN) return !o->bias;
    return (o->epilogue == BIAS || o->epilogue == BIAS_RELU) && !d->kind && o->bias && o->bias % 16 == 0;
}

int cublasLtMatmulAlgoGetHeuristic(void *handle, Operation *o, Layout *a, Layout *b, Layout *c,
                                   Layout *d, Preference *p, int asked, Answer *found, int *count)
{
    if (handle != &alive || c != d || asked != 1 || !fits(o, a, b, d)) return INVALID;
    for (int i = 0; i < 4; i++) if (p->aligned[i] != 16) return INVALID;
    if (!added(o, d)) return INVALID;
    *count = d->kind < 2 && p->workspace >= WORKSPACE; /* numbers of 16 bits have no algorithm */
    found->workspace = WORKSPACE;
    found->data[0] = 4242;
    found->state = 0;
    return 0;
}

/* A number with 10 bits of fraction; a half goes up. */
static float in_tf32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    bits = (bits + 0x1000) & ~0x1FFFu;
    memcpy(&x, &bits, 4);
    return x;
}

static double at(const Operation *o, const void *x, const Layout *l, int trans, int batch, uint64_t i, uint64_t j)
{
    int64_t place = batch * l->step + (trans ? (int64_t)i * l->apart + (int64_t)j
                                             : (int64_t)j * l->apart + (int64_t)i);
    if (l->kind) return ((const double *)x)[place];
    return o->compute == TF32 ? in_tf32(((const float *)x)[place]) : ((const float *)x)[place];
}

int cublasLtMatmul(void *handle, Operation *o, const void *alpha, const void *x, Layout *a,
                   const void *y, Layout *b, const void *beta, const void *before, Layout *c, void *z,
                   Layout *d, const Answer *algorithm, void *workspace, size_t room, Stream stream)
{
    double one = o->scale ? *(const double *)alpha : *(const float *)alpha;
    double none = o->scale ? *(const double *)beta : *(const float *)beta;
    uintptr_t places = (uintptr_t)x | (uintptr_t)y | (uintptr_t)z;
    if (handle != &alive || c != d || before != z || one != 1 || none != 0) return INVALID;
    if (algorithm->data[0] != 4242 || room != WORKSPACE || places % 16) return INVALID;
    if (!fits(o, a, b, d) || !added(o, d)) return UNSUPPORTED;
    memset(workspace, 0xA5, room);
    last = stream;
    for (int batch = 0; batch < d->count; batch++)
        for (uint64_t j = 0; j < d->columns; j++)
            for (uint64_t i = 0; i < d->rows; i++) {
                double sum = 0;
                for (uint64_t k = 0; k < inner(a, o->trans[0]); k++)
                    sum += at(o, x, a, o->trans[0], batch, i, k)
                         * at(o, y, b, o->trans[1], batch, k, j);
                if (o->epilogue != PLAIN) sum += ((const float *)o->bias)[i];
                if (o->epilogue == BIAS_RELU && sum < 0) sum = 0;
                int64_t place = batch * d->step + (int64_t)j * d->apart + (int64_t)i;
                if (d->kind) ((double *)z)[place] = sum;
                else ((float *)z)[place] = (float)sum;
            }
    return 0;
}
