// A stand-in for cuBLAS and cuBLASLt: every product is one kernel on the handle's stream.
//
// The functions are found by their names alone, so their parameters are not written out where
// they are not read. cuBLAS has error codes of its own, not those of the runtime.

#include <cstddef>

#include "runtime.h"

namespace {

constexpr int SUCCESS = 0;
constexpr int NOT_INITIALIZED = 1;
constexpr int EXECUTION_FAILED = 13;

struct Handle {
  cudaStream_t stream = nullptr;
};

int product(void* handle, const char* name) {
  return fakecuda::launch(((Handle*)handle)->stream, name) ? EXECUTION_FAILED : SUCCESS;
}

int describe(void** description) {
  *description = new char[64];
  return SUCCESS;
}

}  // namespace

#define PRODUCTS(ONE)                                                                            \
  ONE(cublasSdot_v2) ONE(cublasDdot_v2) ONE(cublasCdotc_v2) ONE(cublasCdotu_v2)                  \
  ONE(cublasZdotc_v2) ONE(cublasZdotu_v2) ONE(cublasDotEx)                                       \
  ONE(cublasSgemv_v2) ONE(cublasDgemv_v2) ONE(cublasCgemv_v2) ONE(cublasZgemv_v2)                \
  ONE(cublasSgemm_v2) ONE(cublasDgemm_v2) ONE(cublasCgemm_v2) ONE(cublasZgemm_v2)                \
  ONE(cublasSgemmStridedBatched) ONE(cublasDgemmStridedBatched)                                  \
  ONE(cublasCgemmStridedBatched) ONE(cublasZgemmStridedBatched)                                  \
  ONE(cublasSgemmEx) ONE(cublasGemmEx) ONE(cublasGemmStridedBatchedEx)                           \
  ONE(cublasStrsm_v2) ONE(cublasDtrsm_v2) ONE(cublasCtrsm_v2) ONE(cublasZtrsm_v2)                \
  ONE(cublasStrsmBatched) ONE(cublasDtrsmBatched)                                                \
  ONE(cublasCtrsmBatched) ONE(cublasZtrsmBatched)                                                \
  ONE(cublasSgetrfBatched) ONE(cublasDgetrfBatched)                                              \
  ONE(cublasCgetrfBatched) ONE(cublasZgetrfBatched)                                              \
  ONE(cublasSgetrsBatched) ONE(cublasDgetrsBatched)                                              \
  ONE(cublasCgetrsBatched) ONE(cublasZgetrsBatched)                                              \
  ONE(cublasSgeqrfBatched) ONE(cublasDgeqrfBatched)                                              \
  ONE(cublasCgeqrfBatched) ONE(cublasZgeqrfBatched)                                              \
  ONE(cublasSgelsBatched) ONE(cublasDgelsBatched)                                                \
  ONE(cublasCgelsBatched) ONE(cublasZgelsBatched)

#define SETTINGS(ONE)                                                                            \
  ONE(cublasDestroy_v2) ONE(cublasSetPointerMode_v2) ONE(cublasSetMathMode)                      \
  ONE(cublasSetWorkspace_v2) ONE(cublasSetSmCountTarget)                                         \
  ONE(cublasLtMatmulAlgoCheck) ONE(cublasLtMatmulAlgoInit)                                       \
  ONE(cublasLtMatmulAlgoConfigGetAttribute) ONE(cublasLtMatmulAlgoConfigSetAttribute)            \
  ONE(cublasLtMatmulDescDestroy) ONE(cublasLtMatmulDescSetAttribute)                             \
  ONE(cublasLtMatmulPreferenceDestroy) ONE(cublasLtMatmulPreferenceSetAttribute)                 \
  ONE(cublasLtMatrixLayoutDestroy) ONE(cublasLtMatrixLayoutSetAttribute)

extern "C" {

#define ONE(name)            \
  int name(void* handle) {   \
    return product(handle, #name); \
  }
PRODUCTS(ONE)
#undef ONE

#define ONE(name)   \
  int name() {      \
    return SUCCESS; \
  }
SETTINGS(ONE)
#undef ONE

// Allocates on the device, so it is unsafe while a capture is under way.
int cublasCreate_v2(void** handle) {
  if (fakecuda::not_in_capture("cublasCreate_v2") || fakecuda::reach_current()) {
    return NOT_INITIALIZED;
  }
  *handle = new Handle();
  return SUCCESS;
}

int cublasSetStream_v2(void* handle, cudaStream_t stream) {
  ((Handle*)handle)->stream = stream;
  return SUCCESS;
}

int cublasGetPointerMode_v2(void*, int* mode) {
  *mode = 0;
  return SUCCESS;
}

int cublasGetMathMode(void*, int* mode) {
  *mode = 0;
  return SUCCESS;
}

size_t cublasLtGetVersion() {
  return 130100;
}

int cublasLtMatmulDescCreate(void** description, int, int) {
  return describe(description);
}

int cublasLtMatmulPreferenceCreate(void** description) {
  return describe(description);
}

int cublasLtMatrixLayoutCreate(void** description, int, unsigned long, unsigned long, long) {
  return describe(description);
}

int cublasLtMatmulAlgoGetHeuristic(
    void*, void*, void*, void*, void*, void*, void*, int, void*, int* found) {
  *found = 1;
  return SUCCESS;
}

int cublasLtMatmul(
    void*, void*, const void*, const void*, void*, const void*, void*, const void*, const void*,
    void*, void*, void*, const void*, void*, size_t, cudaStream_t stream) {
  return fakecuda::launch(stream, "cublasLtMatmul") ? EXECUTION_FAILED : SUCCESS;
}

}  // extern "C"
