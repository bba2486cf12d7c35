// Calls of the runtime: memory and copies. A part of runtime.cpp.

extern "C" {

// ---------------------------------------------------------------------------------------------
// Memory
// ---------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** pointer, size_t size) {
  Locked locked;
  cudaError_t error = not_in_capture("cudaMalloc");
  if (!error) {
    error = reach_current();
  }
  if (error) {
    *pointer = nullptr;
    return answer(error, "cudaMalloc");
  }
  bool refused = options().oom_in_capture && !state().captures.empty();
  size_t& used = state().devices[current].used;
  void* found = refused || used + size > options().memory ? nullptr : pages(size);
  if (found == nullptr) {
    return answer(no_memory(pointer), "cudaMalloc");
  }
  state().device_memory[(char*)found] = {size, current};
  used += size;
  *pointer = found;
  return cudaSuccess;
}

cudaError_t cudaFree(void* pointer) {
  Locked locked;
  cudaError_t error = pointer ? not_in_capture("cudaFree") : reach_current();
  auto found = state().device_memory.find((char*)pointer);
  if (error || found == state().device_memory.end()) {
    return answer(error, "cudaFree");
  }
  Block block = found->second;
  munmap(pointer, block.size);
  state().devices[block.device].used -= block.size;
  state().device_memory.erase(found);
  return answer(state().devices[block.device].fault, "cudaFree");
}

cudaError_t cudaMallocAsync(void** pointer, size_t size, cudaStream_t) {
  return cudaMalloc(pointer, size);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t) {
  return cudaFree(pointer);
}

cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* all_bytes) {
  Locked locked;
  if (cudaError_t error = reach_current()) {
    return answer(error, "cudaMemGetInfo");
  }
  *all_bytes = options().memory;
  *free_bytes = options().memory - state().devices[current].used;
  return cudaSuccess;
}

// Pinned memory is mapped into the context of the current device, so that one is opened.
cudaError_t cudaHostAlloc(void** pointer, size_t size, unsigned) {
  Locked locked;
  cudaError_t error = not_in_capture("cudaHostAlloc");
  if (!error) {
    error = reach_current();
  }
  void* found = error ? nullptr : pages(size);
  if (found == nullptr) {
    *pointer = nullptr;
    return answer(error ? error : cudaErrorMemoryAllocation, "cudaHostAlloc");
  }
  state().pinned_memory[(char*)found] = {size, current};
  *pointer = found;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  Locked locked;
  if (cudaError_t error = not_in_capture("cudaFreeHost")) {
    return answer(error, "cudaFreeHost");
  }
  auto found = state().pinned_memory.find((char*)pointer);
  if (found != state().pinned_memory.end()) {
    munmap(pointer, found->second.size);
    state().pinned_memory.erase(found);
  }
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void*, size_t, unsigned) {
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void*) {
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* found, const void* pointer) {
  Locked locked;
  memset(found, 0, sizeof *found);
  found->type = cudaMemoryTypeUnregistered;
  found->device = -2;  // cudaInvalidDeviceId
  if (const Block* block = block_at(state().device_memory, pointer)) {
    found->type = cudaMemoryTypeDevice;
    found->device = block->device;
    found->devicePointer = (void*)pointer;
    return cudaSuccess;
  }
  found->hostPointer = (void*)pointer;
  if (const Block* block = block_at(state().pinned_memory, pointer)) {
    found->type = cudaMemoryTypeHost;
    found->device = block->device;
  }
  return cudaSuccess;
}

// Waits for the copy, so it is unsafe while a capture is under way.
cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind) {
  Locked locked;
  state().counts.waits++;
  cudaError_t error = not_in_capture("cudaMemcpy");
  if (!error) {
    error = reach(device_of(to, from));
  }
  if (!error) {
    copy(to, from, size);
  }
  return answer(error, "cudaMemcpy");
}

// A copy succeeds on a stream of a device that is not current, unlike a kernel.
cudaError_t cudaMemcpyAsync(
    void* to, const void* from, size_t size, cudaMemcpyKind, cudaStream_t stream) {
  Locked locked;
  cudaError_t error = give(stream, "cudaMemcpyAsync");
  if (!error && capture_of(stream_of(stream)) == nullptr) {
    copy(to, from, size);
  }
  return answer(error, "cudaMemcpyAsync");
}

cudaError_t cudaMemcpyPeerAsync(
    void* to, int, const void* from, int, size_t size, cudaStream_t stream) {
  return cudaMemcpyAsync(to, from, size, cudaMemcpyDefault, stream);
}

cudaError_t cudaMemset(void* pointer, int value, size_t size) {
  Locked locked;
  cudaError_t error = not_in_capture("cudaMemset");
  if (!error) {
    error = reach(device_of(pointer, pointer));
  }
  if (!error) {
    memset(pointer, value, size);
  }
  return answer(error, "cudaMemset");
}

// Like a kernel it does nothing: it touches no page that torch has asked for in vain.
cudaError_t cudaMemsetAsync(void*, int, size_t, cudaStream_t stream) {
  return answer(give(stream, "cudaMemsetAsync"), "cudaMemsetAsync");
}

cudaError_t cudaMemcpyToSymbol(const void*, const void*, size_t, size_t, cudaMemcpyKind) {
  return cudaSuccess;
}

cudaError_t cudaGetSymbolAddress(void** pointer, const void*) {
  static char symbol[4096];
  *pointer = symbol;
  return cudaSuccess;
}

}  // extern "C"
