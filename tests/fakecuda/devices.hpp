// Calls of the runtime: counters for tests, devices, errors. A part of runtime.cpp.

extern "C" {

// ---------------------------------------------------------------------------------------------
// Counters and a switch for tests, called by ctypes
// ---------------------------------------------------------------------------------------------

long long fake_launches(int device) {
  return is_device(device) ? state().devices[device].launches : 0;
}

int fake_ctx(int device) {
  return is_device(device) && state().devices[device].open;
}

long long fake_nodes() {
  return state().counts.nodes;
}

long long fake_glaunches() {
  return state().counts.replays;
}

long long fake_syncs() {
  return state().counts.waits;
}

long long fake_strays() {
  return state().counts.strays;
}

// From now on the device gives this error in this process: 710 is a device-side assert.
void fake_fail(int device, int error) {
  Locked locked;
  if (!is_device(device)) {
    return;
  }
  state().devices[device].fault = (cudaError_t)error;
  if (error == cudaErrorECCUncorrectable) {
    mark_broken(device);
  }
}

// ---------------------------------------------------------------------------------------------
// Devices
// ---------------------------------------------------------------------------------------------

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (options().old_driver) {
    return answer(cudaErrorInsufficientDriver, "cudaGetDeviceCount");
  }
  if (options().none_visible || options().devices == 0) {
    return answer(cudaErrorNoDevice, "cudaGetDeviceCount");
  }
  *count = options().devices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return cudaSuccess;
}

// Since CUDA 12 this opens the context, too.
cudaError_t cudaSetDevice(int device) {
  if (!is_device(device)) {
    return answer(cudaErrorInvalidDevice, "cudaSetDevice");
  }
  current = device;
  return answer(reach(device), "cudaSetDevice");
}

// Needs no context, so a broken device answers as well.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* found, int device) {
  if (!is_device(device)) {
    return answer(cudaErrorInvalidDevice, "cudaGetDeviceProperties");
  }
  memset(found, 0, sizeof *found);
  snprintf(found->name, sizeof found->name, "%s", name_of(device));
  for (int i = 0; i < 16; i++) {
    found->uuid.bytes[i] = (char)(16 * device + i + 1);
  }
  found->major = 9;
  found->minor = 0;
  found->pciBusID = device + 1;
  found->totalGlobalMem = options().memory;
  found->multiProcessorCount = 132;
  found->warpSize = 32;
  found->maxThreadsPerBlock = 1024;
  found->maxThreadsPerMultiProcessor = 2048;
  found->maxBlocksPerMultiProcessor = 32;
  found->maxThreadsDim[0] = 1024;
  found->maxThreadsDim[1] = 1024;
  found->maxThreadsDim[2] = 64;
  found->maxGridSize[0] = 2147483647;
  found->maxGridSize[1] = 65535;
  found->maxGridSize[2] = 65535;
  found->sharedMemPerBlock = 49152;
  found->sharedMemPerBlockOptin = 232448;
  found->sharedMemPerMultiprocessor = 233472;
  found->regsPerBlock = 65536;
  found->regsPerMultiprocessor = 65536;
  found->l2CacheSize = 50 << 20;
  found->memoryBusWidth = 5120;
  found->textureAlignment = 512;
  found->unifiedAddressing = 1;
  found->canMapHostMemory = 1;
  found->concurrentKernels = 1;
  found->cooperativeLaunch = 1;
  found->asyncEngineCount = 3;
  found->streamPrioritiesSupported = 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp found;
  if (cudaError_t error = cudaGetDeviceProperties(&found, device)) {
    return error;
  }
  switch ((int)attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = found.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = found.minor;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = found.multiProcessorCount;
      break;
    case cudaDevAttrWarpSize:
      *value = found.warpSize;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = found.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = found.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrMaxBlockDimX:
      *value = found.maxThreadsDim[0];
      break;
    case cudaDevAttrMaxGridDimX:
      *value = found.maxGridSize[0];
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = (int)found.sharedMemPerBlock;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = (int)found.sharedMemPerBlockOptin;
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = (int)found.sharedMemPerMultiprocessor;
      break;
    case cudaDevAttrL2CacheSize:
      *value = found.l2CacheSize;
      break;
    default:
      *value = 1;
  }
  return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
  *can = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) {
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int size, int device) {
  snprintf(text, size, "0000:%02x:00.0", device + 1);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  state().counts.waits++;
  cudaError_t error = not_in_capture("cudaDeviceSynchronize");
  return answer(error ? error : reach_current(), "cudaDeviceSynchronize");
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = options().old_driver ? 12040 : CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

// ---------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------

#define ERRORS(ONE)                                                                               \
  ONE(cudaSuccess, "no error")                                                                    \
  ONE(cudaErrorInvalidValue, "invalid argument")                                                  \
  ONE(cudaErrorMemoryAllocation, "out of memory")                                                 \
  ONE(cudaErrorInsufficientDriver,                                                                \
      "CUDA driver version is insufficient for CUDA runtime version")                             \
  ONE(cudaErrorNoDevice, "no CUDA-capable device is detected")                                    \
  ONE(cudaErrorInvalidDevice, "invalid device ordinal")                                           \
  ONE(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered")                           \
  ONE(cudaErrorInvalidResourceHandle, "invalid resource handle")                                  \
  ONE(cudaErrorIllegalState, "the operation cannot be performed in the present state")            \
  ONE(cudaErrorAssert, "device-side assert triggered")                                            \
  ONE(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")      \
  ONE(cudaErrorStreamCaptureInvalidated,                                                          \
      "operation failed due to a previous error during capture")                                  \
  ONE(cudaErrorStreamCaptureMerge, "operation would result in a merge of separate captures")      \
  ONE(cudaErrorStreamCaptureUnmatched, "capture was not ended in the stream in which it began")   \
  ONE(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream") \
  ONE(cudaErrorStreamCaptureImplicit,                                                             \
      "operation would make the legacy stream depend on a capturing blocking stream")             \
  ONE(cudaErrorCapturedEvent,                                                                     \
      "operation not permitted on an event last recorded in a capturing stream")                  \
  ONE(cudaErrorStreamCaptureWrongThread,                                                          \
      "attempt to terminate a thread-local capture sequence from another thread")

const char* cudaGetErrorString(cudaError_t error) {
  switch ((int)error) {
#define ONE(code, text) \
  case code:            \
    return text;
    ERRORS(ONE)
#undef ONE
    default:
      return "unrecognized error code";
  }
}

const char* cudaGetErrorName(cudaError_t error) {
  switch ((int)error) {
#define ONE(code, text) \
  case code:            \
    return #code;
    ERRORS(ONE)
#undef ONE
    default:
      return "unrecognized error code";
  }
}

cudaError_t cudaPeekAtLastError() {
  cudaError_t sticky = state().devices[current].fault;
  return sticky ? sticky : last_error;
}

// Clears the last error; a sticky one stays.
cudaError_t cudaGetLastError() {
  cudaError_t found = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return found;
}

}  // extern "C"
