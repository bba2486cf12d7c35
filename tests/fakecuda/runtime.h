// What the stand-in for cuBLAS needs of the stand-in for the CUDA runtime.
#pragma once

#include <cuda_runtime_api.h>

namespace fakecuda {

// Gives one kernel to a stream: to its device, or to the capture that the stream is in.
cudaError_t launch(cudaStream_t stream, const char* what);

// A call that CUDA forbids while a capture is under way (cudaMalloc, waiting, ...).
cudaError_t not_in_capture(const char* what);

// Opens this process's context on the current device, as every first use of a device does.
cudaError_t reach_current();

}  // namespace fakecuda
