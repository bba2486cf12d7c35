// CUDA's rules: contexts, launches, streams in captures, memory. A part of runtime.cpp.

namespace {

// ---------------------------------------------------------------------------------------------
// Devices and contexts
// ---------------------------------------------------------------------------------------------

bool is_device(int number) {
  return number >= 0 && number < options().devices;
}

bool is_marked_broken(int number) {
  if (options().broken_file == nullptr) {
    return false;
  }
  std::ifstream file(options().broken_file);
  int found = 0;
  while (file >> found) {
    if (found == number) {
      return true;
    }
  }
  return false;
}

void mark_broken(int number) {
  if (options().broken_file == nullptr) {
    return;
  }
  std::ofstream file(options().broken_file, std::ios::app);
  file << number << "\n";
}

// The first use of a device opens the process's context on it. An error that has broken a context
// (ECC, assert) is sticky: each later call on the device gives it again, until the process ends.
cudaError_t reach(int number) {
  Locked locked;
  Device& device = state().devices[number];
  if (device.fault != cudaSuccess || device.open) {
    return device.fault;
  }
  if (options().broken.count(number) > 0 || is_marked_broken(number)) {
    device.fault = cudaErrorECCUncorrectable;
    say("device %d is broken", number);
    return device.fault;
  }
  device.open = true;
  say("context on device %d", number);
  return cudaSuccess;
}

bool is_due(const std::map<int, long long>& at, int number) {
  auto found = at.find(number);
  return found != at.end() && state().devices[number].launches >= found->second;
}

// Counts one launch; the device may break at it.
cudaError_t count_launch(int number) {
  Device& device = state().devices[number];
  device.launches++;
  if (is_due(options().breaks, number)) {
    device.fault = cudaErrorECCUncorrectable;
    mark_broken(number);
    say("device %d breaks at launch %lld", number, device.launches);
  }
  if (is_due(options().asserts, number)) {
    const char* file = options().assert_file;
    if (file == nullptr || access(file, F_OK) == 0) {
      device.fault = cudaErrorAssert;
      say("device %d meets an assert at launch %lld", number, device.launches);
    }
  }
  return device.fault;
}

const char* name_of(int number) {
  const std::vector<std::string>& names = options().names;
  if (names.empty()) {
    return "NVIDIA H100 80GB HBM3";
  }
  return names[number < (int)names.size() ? number : names.size() - 1].c_str();
}

// ---------------------------------------------------------------------------------------------
// Streams and captures
// ---------------------------------------------------------------------------------------------

bool is_legacy(cudaStream_t handle) {
  return (size_t)handle <= 2;  // nullptr, cudaStreamLegacy, cudaStreamPerThread
}

// A default stream is that of the current device.
Stream& stream_of(cudaStream_t handle) {
  if (!is_legacy(handle)) {
    return *(Stream*)handle;
  }
  Stream& legacy = state().devices[current].legacy;
  legacy.device = current;
  return legacy;
}

Capture* capture_of(const Stream& stream) {
  auto found = state().captures.find(stream.capture);
  return found == state().captures.end() ? nullptr : &found->second;
}

cudaError_t invalidate(Capture& capture, cudaError_t error, const char* call) {
  if (!capture.invalid) {
    say("%s spoils the capture on device %d", call, capture.graph->device);
  }
  capture.invalid = true;
  return error;
}

// Whether a capture forbids unsafe calls by this thread (cudaThreadExchangeStreamCaptureMode):
// captures of the thread's own do unless they are relaxed; those of other threads do if they are
// global; neither does where the thread has made itself relaxed.
bool forbids_here(const Capture& capture) {
  if (thread_mode == cudaStreamCaptureModeRelaxed) {
    return false;
  }
  if (capture.thread == std::this_thread::get_id()) {
    return capture.mode != cudaStreamCaptureModeRelaxed;
  }
  bool both_global = thread_mode == cudaStreamCaptureModeGlobal;
  return both_global && capture.mode == cudaStreamCaptureModeGlobal;
}

// A wait for a stream that is in a capture is forbidden in every mode, and invalidates it.
cudaError_t wait_for_stream(cudaStream_t handle, const char* call) {
  Locked locked;
  Stream& stream = stream_of(handle);
  if (Capture* capture = capture_of(stream)) {
    return invalidate(*capture, cudaErrorStreamCaptureUnsupported, call);
  }
  return reach(stream.device);
}

// Work on the legacy stream waits for all blocking streams of its device, so it is forbidden while
// one of these is in a capture, and invalidates it.
cudaError_t implicit_wait(const Stream& stream, const char* call) {
  for (auto& [id, capture] : state().captures) {
    for (Stream* captured : capture.streams) {
      if (captured->blocking && captured->device == stream.device) {
        return invalidate(capture, cudaErrorStreamCaptureImplicit, call);
      }
    }
  }
  return cudaSuccess;
}

cudaError_t record(Capture& capture) {
  if (capture.invalid) {
    return cudaErrorStreamCaptureInvalidated;
  }
  capture.graph->nodes++;
  state().counts.nodes++;
  return cudaSuccess;
}

// Gives work to a stream: recorded where the stream is in a capture, counted where it is not.
cudaError_t give(cudaStream_t handle, const char* call) {
  Locked locked;
  Stream& stream = stream_of(handle);
  if (cudaError_t error = reach(stream.device)) {
    return error;
  }
  if (Capture* capture = capture_of(stream)) {
    return record(*capture);
  }
  if (is_legacy(handle)) {
    if (cudaError_t error = implicit_wait(stream, call)) {
      return error;
    }
  }
  return count_launch(stream.device);
}

cudaStreamCaptureStatus status_of(const Capture* capture) {
  if (capture == nullptr) {
    return cudaStreamCaptureStatusNone;
  }
  return capture->invalid ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
}

// ---------------------------------------------------------------------------------------------
// Memory
// ---------------------------------------------------------------------------------------------

// Where torch asks for pages that it never writes, none are used.
void* pages(size_t size) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* found = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  return found == MAP_FAILED ? nullptr : found;
}

const Block* block_at(const std::map<char*, Block>& blocks, const void* pointer) {
  auto after = blocks.upper_bound((char*)pointer);
  if (after == blocks.begin()) {
    return nullptr;
  }
  auto found = std::prev(after);
  return (char*)pointer < found->first + found->second.size ? &found->second : nullptr;
}

// The device of a synchronous copy: of the memory that is on one, else the current one.
int device_of(const void* pointer, const void* other) {
  for (const void* one : {pointer, other}) {
    if (const Block* block = block_at(state().device_memory, one)) {
      return block->device;
    }
  }
  return current;
}

// Kernels do nothing, so what torch reads as their results is whatever was copied there before:
// pixels, which are often no finite number, and losses and scores would be refused by chance. So
// words of fp32 that are not finite come to the host as zeros (an int64 -1, too, half by half), one
// number alone without its sign, and one byte, the answer to a question like isnan().any(), False.
void tame(char* values, size_t size) {
  constexpr uint32_t EXPONENT = 0x7f800000;
  constexpr char SIGN = (char)0x80;
  for (size_t at = 0; at + sizeof(uint32_t) <= size; at += sizeof(uint32_t)) {
    uint32_t word;
    memcpy(&word, values + at, sizeof word);
    if ((word & EXPONENT) == EXPONENT) {
      memset(values + at, 0, sizeof word);
    }
  }
  if (size == sizeof(float) || size == sizeof(double)) {
    values[size - 1] &= ~SIGN;
  }
  if (size == sizeof(bool)) {
    values[0] = 0;
  }
}

void copy(void* to, const void* from, size_t size) {
  memcpy(to, from, size);
  bool left = block_at(state().device_memory, from) != nullptr;
  bool home = block_at(state().device_memory, to) == nullptr;
  if (left && home) {
    tame((char*)to, size);
  }
}

cudaError_t no_memory(void** pointer) {
  *pointer = nullptr;
  return cudaErrorMemoryAllocation;
}

}  // namespace

namespace fakecuda {

// A kernel launch fails if it is issued to a stream of a device that is not the current one
// (Programming Guide, "Stream and Event Behavior").
cudaError_t launch(cudaStream_t handle, const char* call) {
  Locked locked;
  Stream& stream = stream_of(handle);
  if (stream.device != current) {
    state().counts.strays++;
    say("%s on a stream of device %d while %d is current", call, stream.device, current);
    return cudaErrorInvalidResourceHandle;
  }
  return give(handle, call);
}

// Such a call invalidates the captures that forbid it.
cudaError_t not_in_capture(const char* call) {
  Locked locked;
  cudaError_t error = cudaSuccess;
  for (auto& [id, capture] : state().captures) {
    if (forbids_here(capture)) {
      error = invalidate(capture, cudaErrorStreamCaptureUnsupported, call);
    }
  }
  return error;
}

cudaError_t reach_current() {
  return reach(current);
}

}  // namespace fakecuda

using fakecuda::launch;
using fakecuda::not_in_capture;
using fakecuda::reach_current;
