/* A stand-in for libcuda.so.1, which torch loads where it asks whether a context is open.

   The runtime's stand-in knows which ones are; every other function succeeds and does nothing. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#define NOTHING(ONE)                                                                             \
  ONE(cuInit) ONE(cuDriverGetVersion) ONE(cuGetErrorString)                                      \
  ONE(cuDeviceGet) ONE(cuDeviceGetCount) ONE(cuDeviceGetAttribute)                               \
  ONE(cuDevicePrimaryCtxRetain) ONE(cuCtxSetCurrent)                                             \
  ONE(cuFuncGetAttribute) ONE(cuFuncSetAttribute) ONE(cuFuncSetCacheConfig)                      \
  ONE(cuLaunchKernel) ONE(cuLaunchCooperativeKernel)                                             \
  ONE(cuLinkCreate_v2) ONE(cuLinkAddData_v2) ONE(cuLinkComplete)                                 \
  ONE(cuModuleLoad) ONE(cuModuleLoadData) ONE(cuModuleLoadDataEx) ONE(cuModuleUnload)            \
  ONE(cuModuleGetFunction) ONE(cuOccupancyMaxActiveBlocksPerMultiprocessor)                      \
  ONE(cuPointerGetAttribute) ONE(cuTensorMapEncodeTiled)

#define ONE(name)   \
  int name(void) {  \
    return 0;       \
  }
NOTHING(ONE)
#undef ONE

/* Some context: torch asks only whether there is one. */
int cuCtxGetCurrent(void** context) {
  *context = (void*)1;
  return 0;
}

int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
  int (*is_open)(int) = (int (*)(int))dlsym(RTLD_DEFAULT, "fake_ctx");
  *flags = 0;
  *active = is_open != NULL ? is_open(device) : 1;
  return 0;
}
