/* What stands for NVIDIA's driver and runtime where there is no GPU: enough for cuDNN to choose and
   generate kernels for a described device. Nothing can be launched: modules are loaded in name only.
   The same file makes libcuda.so.1 and libcudart.so.13. */
#include <string.h>

#define DONE(name) int name(void) { return 0; }
#define MADE(name) int name(void **made) { *made = (void *)0x1000; return 0; }
#define TOLD(name, number) int name(int *found) { *found = number; return 0; }
#define SAID(name) int name(int error, const char **text) { *text = "there is no GPU"; return 0; }

TOLD(cuDriverGetVersion, 13000)
TOLD(cuDeviceGetCount, 1)
TOLD(cuDeviceGet, 0)
MADE(cuCtxGetCurrent) DONE(cuCtxPushCurrent) DONE(cuCtxPopCurrent) DONE(cuCtxGetLimit)
DONE(cuStreamGetCtx) SAID(cuGetErrorName) SAID(cuGetErrorString)
MADE(cuModuleLoadData) MADE(cuModuleGetFunction) DONE(cuModuleUnload)
MADE(cuLibraryLoadData) DONE(cuLibraryLoadFromFile) MADE(cuLibraryGetKernel) DONE(cuLibraryUnload)
MADE(cuKernelGetFunction) DONE(cuKernelGetAttribute) DONE(cuKernelSetAttribute)
DONE(cuLinkCreate) DONE(cuLinkAddData) DONE(cuLinkComplete) DONE(cuLinkDestroy)
DONE(cuLaunchKernel) DONE(cuLaunchKernelEx) DONE(cuLaunchCooperativeKernel)
DONE(cuOccupancyMaxPotentialClusterSize) DONE(cuTensorMapEncodeTiled) DONE(cuTensorMapEncodeIm2col)

TOLD(cudaGetDevice, 0)
TOLD(cudaGetDeviceCount, 1)
DONE(cudaMemcpyAsync) DONE(cudaMemsetAsync) DONE(cudaGraphCreate)

const char *cudaGetErrorString(int error) { return "there is no GPU"; }

/* Compute capability, multiprocessors and shared memory of a Hopper GPU. */
int cudaDeviceGetAttribute(int *found, int attribute, int device) {
    switch (attribute) {
    case 16: *found = 132; break;
    case 75: *found = 9; break;
    case 76: *found = 0; break;
    case 97: *found = 232448; break;
    default: *found = 0;
    }
    return 0;
}

int cudaGetDeviceProperties(char *properties, int device) {
    const int capability[] = {9, 0};
    memset(properties, 0, 1024);
    memcpy(properties + 360, capability, sizeof capability);
    return 0;
}

int cudaGetDeviceProperties_v2(char *properties, int device) {
    return cudaGetDeviceProperties(properties, device);
}
