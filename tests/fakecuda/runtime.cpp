// A stand-in for the CUDA runtime, preloaded under torch: the host's side of CUDA, without a GPU.
//
// Kernels do nothing. Devices, contexts, memory, streams, events, captures and graphs follow the
// rules of CUDA: what fails on a GPU because of how the host calls it fails here in the same way.
// Rules are from the CUDA C++ Programming Guide (sections "Multi-Device System" and "CUDA Graphs")
// and the CUDA Runtime API reference; a comment at each check says which one it stands for.

#include "runtime.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

// ---------------------------------------------------------------------------------------------
// Options, from environment variables
// ---------------------------------------------------------------------------------------------

constexpr int MOST_DEVICES = 16;

struct Options {
  int devices = 1;                   // FAKE_NDEV
  bool verbose = false;              // FAKE_VERBOSE
  bool old_driver = false;           // FAKE_OLD
  bool none_visible = false;         // CUDA_VISIBLE_DEVICES is empty
  bool oom_in_capture = false;       // FAKE_OOM_CAPTURE
  size_t memory = (size_t)80 << 30;  // FAKE_MEM, bytes of each device
  std::vector<std::string> names;    // FAKE_NAME, one for all or one each, between commas
  std::set<int> broken;              // FAKE_BROKEN, numbers of devices between commas
  std::map<int, long long> breaks;   // FAKE_BREAKS, device:launch,...
  std::map<int, long long> asserts;  // FAKE_ASSERT, device:launch,...
  const char* broken_file = nullptr;  // FAKE_BROKEN_FILE
  const char* assert_file = nullptr;  // FAKE_ASSERT_FILE
};

bool is_set(const char* name) {
  const char* value = getenv(name);
  return value != nullptr && *value != '\0' && strcmp(value, "0") != 0;
}

std::vector<std::string> between_commas(const char* name) {
  std::vector<std::string> found;
  const char* value = getenv(name);
  std::stringstream text(value ? value : "");
  std::string part;
  while (std::getline(text, part, ',')) {
    found.push_back(part);
  }
  return found;
}

std::map<int, long long> launches_by_device(const char* name) {
  std::map<int, long long> found;
  for (const std::string& part : between_commas(name)) {
    int device = 0;
    long long launch = 0;
    if (sscanf(part.c_str(), "%d:%lld", &device, &launch) != 2) {
      fprintf(stderr, "[fakecuda] %s: '%s' is not device:launch\n", name, part.c_str());
      _exit(2);
    }
    found[device] = launch;
  }
  return found;
}

Options read_options() {
  Options found;
  if (const char* count = getenv("FAKE_NDEV")) {
    found.devices = atoi(count);
  }
  if (found.devices < 0 || found.devices > MOST_DEVICES) {
    fprintf(stderr, "[fakecuda] FAKE_NDEV: at most %d devices\n", MOST_DEVICES);
    _exit(2);
  }
  if (const char* bytes = getenv("FAKE_MEM")) {
    found.memory = strtoull(bytes, nullptr, 10);
  }
  for (const std::string& number : between_commas("FAKE_BROKEN")) {
    found.broken.insert(atoi(number.c_str()));
  }
  const char* visible = getenv("CUDA_VISIBLE_DEVICES");
  found.none_visible = visible != nullptr && (*visible == '\0' || strcmp(visible, "-1") == 0);
  found.verbose = is_set("FAKE_VERBOSE");
  found.old_driver = is_set("FAKE_OLD");
  found.oom_in_capture = is_set("FAKE_OOM_CAPTURE");
  found.names = between_commas("FAKE_NAME");
  found.breaks = launches_by_device("FAKE_BREAKS");
  found.asserts = launches_by_device("FAKE_ASSERT");
  found.broken_file = getenv("FAKE_BROKEN_FILE");
  found.assert_file = getenv("FAKE_ASSERT_FILE");
  return found;
}

const Options& options() {
  static const Options* found = new Options(read_options());
  return *found;
}

// ---------------------------------------------------------------------------------------------
// State of this process. Never freed: torch calls CUDA while the process ends, too.
// ---------------------------------------------------------------------------------------------

using CaptureId = unsigned long long;
constexpr CaptureId NO_CAPTURE = 0;

struct Graph {
  size_t nodes = 0;
  int device = 0;  // of the stream whose capture made it
};

struct Stream {
  int device = 0;
  int priority = 0;
  bool blocking = false;  // waits for the legacy stream, and that one for it
  CaptureId capture = NO_CAPTURE;
};

struct Capture {
  CaptureId id = NO_CAPTURE;
  Graph* graph = nullptr;
  Stream* origin = nullptr;  // where it began and has to end
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  std::set<Stream*> streams;
  bool invalid = false;  // a forbidden call was made: the capture can only be ended
};

struct Event {
  int device = 0;
  double ms = 0;  // of the host's clock
  bool recorded = false;
  CaptureId capture = NO_CAPTURE;  // in which it was last recorded
};

struct Exec {
  size_t nodes = 0;
  int device = 0;
};

struct Block {
  size_t size = 0;
  int device = 0;
};

struct Device {
  bool open = false;                 // this process has a context on it
  cudaError_t fault = cudaSuccess;   // sticky: the answer to every further call
  long long launches = 0;            // kernels, copies, fills and replays, captured ones left out
  size_t used = 0;                   // bytes
  Stream legacy;                     // the default stream
};

struct Counts {
  long long nodes = 0;     // recorded by captures
  long long replays = 0;   // of graphs
  long long waits = 0;     // of the host for a device
  long long mallocs = 0;   // of device memory
  long long copies = 0;    // given to a stream
  long long strays = 0;    // kernels given to a stream of a device that is not current: refused
};

struct State {
  std::recursive_mutex mutex;
  Device devices[MOST_DEVICES];
  std::map<char*, Block> device_memory;
  std::map<char*, Block> pinned_memory;
  std::map<CaptureId, Capture> captures;  // under way
  CaptureId captures_begun = 0;
  Counts counts;
};

State& state() {
  static State* made = new State();
  return *made;
}

struct Locked {
  std::lock_guard<std::recursive_mutex> guard{state().mutex};
};

thread_local int current = 0;  // device
thread_local cudaError_t last_error = cudaSuccess;
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

// ---------------------------------------------------------------------------------------------
// What is said and answered
// ---------------------------------------------------------------------------------------------

void say(const char* format, ...) {
  if (!options().verbose) {
    return;
  }
  char line[512];
  int length = snprintf(line, sizeof line, "[fakecuda] pid %d ", (int)getpid());
  va_list values;
  va_start(values, format);
  length += vsnprintf(line + length, sizeof line - length - 1, format, values);
  va_end(values);
  length = length < (int)sizeof line - 1 ? length : (int)sizeof line - 2;
  line[length] = '\n';
  if (write(STDERR_FILENO, line, length + 1) < 0) {  // whole, whatever other processes write
    return;
  }
}

// CUDA keeps the last error of each thread until cudaGetLastError asks for it.
cudaError_t answer(cudaError_t error, const char* call) {
  if (error != cudaSuccess) {
    last_error = error;
    say("%s gives %s", call, cudaGetErrorName(error));
  }
  return error;
}

double now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

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

size_t fake_used(int device) {
  return is_device(device) ? state().devices[device].used : 0;
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

long long fake_mallocs() {
  return state().counts.mallocs;
}

long long fake_copies() {
  return state().counts.copies;
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

// ---------------------------------------------------------------------------------------------
// Memory
// ---------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** pointer, size_t size) {
  Locked locked;
  state().counts.mallocs++;
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
  state().counts.copies++;
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

// ---------------------------------------------------------------------------------------------
// Streams
// ---------------------------------------------------------------------------------------------

// A stream belongs to the device that is current where it is made.
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  if (cudaError_t error = reach_current()) {
    return answer(error, "cudaStreamCreateWithPriority");
  }
  Stream* made = new Stream();
  made->device = current;
  made->priority = priority;
  made->blocking = (flags & cudaStreamNonBlocking) == 0;
  *stream = (cudaStream_t)made;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

// Streams and events stay in memory: torch makes few, and never a handle that is stale here.
cudaError_t cudaStreamDestroy(cudaStream_t) {
  return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  *priority = stream_of(stream).priority;
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return answer(wait_for_stream(stream, "cudaStreamQuery"), "cudaStreamQuery");
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  state().counts.waits++;
  return answer(wait_for_stream(stream, "cudaStreamSynchronize"), "cudaStreamSynchronize");
}

cudaError_t cudaStreamAddCallback(
    cudaStream_t stream, cudaStreamCallback_t call, void* data, unsigned) {
  call(stream, cudaSuccess, data);
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t call, void* data) {
  Locked locked;
  if (capture_of(stream_of(stream)) != nullptr) {
    return answer(give(stream, "cudaLaunchHostFunc"), "cudaLaunchHostFunc");
  }
  call(data);
  return cudaSuccess;
}

// A wait for an event of a capture takes the stream into that capture. A stream in a capture may
// not wait for work outside of it, nor for that of another capture.
cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t awaited, unsigned) {
  Locked locked;
  Stream& stream = stream_of(handle);
  Event& event = *(Event*)awaited;
  if (!event.recorded) {
    return cudaSuccess;
  }
  Capture* own = capture_of(stream);
  auto theirs = state().captures.find(event.capture);
  bool captured = theirs != state().captures.end();
  if (captured && own == nullptr) {
    stream.capture = event.capture;
    theirs->second.streams.insert(&stream);
    return cudaSuccess;
  }
  if (own != nullptr && own->id != event.capture) {
    cudaError_t error = captured ? cudaErrorStreamCaptureMerge : cudaErrorStreamCaptureIsolation;
    return answer(invalidate(*own, error, "cudaStreamWaitEvent"), "cudaStreamWaitEvent");
  }
  return answer(reach(stream.device), "cudaStreamWaitEvent");
}

// ---------------------------------------------------------------------------------------------
// Captures
// ---------------------------------------------------------------------------------------------

// The legacy stream cannot be captured, nor a stream that is in a capture.
cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  Locked locked;
  if (is_legacy(handle)) {
    return answer(cudaErrorStreamCaptureUnsupported, "cudaStreamBeginCapture");
  }
  Stream& stream = stream_of(handle);
  cudaError_t error = capture_of(stream) ? cudaErrorIllegalState : reach(stream.device);
  if (error) {
    return answer(error, "cudaStreamBeginCapture");
  }
  Capture capture;
  capture.id = ++state().captures_begun;
  capture.graph = new Graph();
  capture.graph->device = stream.device;
  capture.origin = &stream;
  capture.mode = mode;
  capture.thread = std::this_thread::get_id();
  capture.streams.insert(&stream);
  stream.capture = capture.id;
  state().captures[capture.id] = capture;
  say("begin capture on device %d (current %d)", stream.device, current);
  return cudaSuccess;
}

// A capture ends in the stream where it began and, unless it is relaxed, in the same thread.
cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  Locked locked;
  *graph = nullptr;
  Stream& stream = stream_of(handle);
  Capture* found = capture_of(stream);
  if (found == nullptr) {
    return answer(cudaErrorIllegalState, "cudaStreamEndCapture");
  }
  bool elsewhere = found->thread != std::this_thread::get_id();
  if (elsewhere && found->mode != cudaStreamCaptureModeRelaxed) {
    return answer(cudaErrorStreamCaptureWrongThread, "cudaStreamEndCapture");
  }
  if (found->origin != &stream) {
    return answer(
        invalidate(*found, cudaErrorStreamCaptureUnmatched, "cudaStreamEndCapture"),
        "cudaStreamEndCapture");
  }
  Capture ended = *found;
  for (Stream* captured : ended.streams) {
    captured->capture = NO_CAPTURE;
  }
  state().captures.erase(ended.id);
  const char* how = ended.invalid ? " INVALID" : "";
  say("end capture: %zu nodes on device %d%s", ended.graph->nodes, ended.graph->device, how);
  if (ended.invalid) {
    delete ended.graph;
    return answer(cudaErrorStreamCaptureInvalidated, "cudaStreamEndCapture");
  }
  *graph = (cudaGraph_t)ended.graph;
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  Locked locked;
  *status = status_of(capture_of(stream_of(stream)));
  return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(
    cudaStream_t stream, cudaStreamCaptureStatus* status, unsigned long long* id,
    cudaGraph_t* graph, const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
    size_t* count) {
  Locked locked;
  Capture* capture = capture_of(stream_of(stream));
  *status = status_of(capture);
  if (capture != nullptr && id != nullptr) {
    *id = capture->id;
  }
  if (capture != nullptr && graph != nullptr) {
    *graph = (cudaGraph_t)capture->graph;
  }
  if (nodes != nullptr) {
    *nodes = nullptr;
  }
  if (edges != nullptr) {
    *edges = nullptr;
  }
  if (count != nullptr) {
    *count = 0;
  }
  return cudaSuccess;
}

cudaError_t cudaStreamUpdateCaptureDependencies(
    cudaStream_t, cudaGraphNode_t*, const cudaGraphEdgeData*, size_t, unsigned) {
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(thread_mode, *mode);
  return cudaSuccess;
}

// ---------------------------------------------------------------------------------------------
// Events
// ---------------------------------------------------------------------------------------------

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (cudaError_t error = reach_current()) {
    return answer(error, "cudaEventCreateWithFlags");
  }
  Event* made = new Event();
  made->device = current;
  *event = (cudaEvent_t)made;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t) {
  return cudaSuccess;
}

// Event and stream have to be of one device.
cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t on) {
  Locked locked;
  Event& event = *(Event*)handle;
  Stream& stream = stream_of(on);
  bool apart = event.device != stream.device;
  if (cudaError_t error = apart ? cudaErrorInvalidResourceHandle : reach(stream.device)) {
    return answer(error, "cudaEventRecord");
  }
  event.ms = now_ms();
  event.recorded = true;
  event.capture = stream.capture;
  return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

// The host can neither ask nor wait for an event that stands for a place in a graph; for others
// it cannot while a capture is under way.
static cudaError_t wait_for_event(cudaEvent_t handle, const char* call) {
  Locked locked;
  Event& event = *(Event*)handle;
  auto captured = state().captures.find(event.capture);
  if (captured != state().captures.end()) {
    return invalidate(captured->second, cudaErrorCapturedEvent, call);
  }
  if (cudaError_t error = not_in_capture(call)) {
    return error;
  }
  return state().devices[event.device].fault;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return answer(wait_for_event(event, "cudaEventQuery"), "cudaEventQuery");
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  state().counts.waits++;
  return answer(wait_for_event(event, "cudaEventSynchronize"), "cudaEventSynchronize");
}

// Both events have to be of one device, and recorded.
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  Event& first = *(Event*)begin;
  Event& second = *(Event*)end;
  if (first.device != second.device || !first.recorded || !second.recorded) {
    return answer(cudaErrorInvalidResourceHandle, "cudaEventElapsedTime");
  }
  *ms = (float)(second.ms - first.ms);
  return answer(state().devices[first.device].fault, "cudaEventElapsedTime");
}

// ---------------------------------------------------------------------------------------------
// Kernels
// ---------------------------------------------------------------------------------------------

cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t stream) {
  return answer(launch(stream, "cudaLaunchKernel"), "cudaLaunchKernel");
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* how, const void*, void**) {
  return answer(launch(how->stream, "cudaLaunchKernelExC"), "cudaLaunchKernelExC");
}

cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void**, size_t, cudaStream_t stream) {
  return answer(launch(stream, "__cudaLaunchKernel"), "__cudaLaunchKernel");
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = (cudaKernel_t)function;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* found, const void*) {
  memset(found, 0, sizeof *found);
  found->maxThreadsPerBlock = 1024;
  found->ptxVersion = 90;
  found->binaryVersion = 90;
  found->numRegs = 32;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) {
  return cudaSuccess;
}

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t, cudaFuncAttribute, int, int) {
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int* blocks, const void*, int, size_t, unsigned) {
  *blocks = 2;
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, size_t) {
  *blocks = 2;
  return cudaSuccess;
}

// ---------------------------------------------------------------------------------------------
// Graphs
// ---------------------------------------------------------------------------------------------

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, size_t* count) {
  *count = ((Graph*)graph)->nodes;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(
    cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  const Graph& from = *(Graph*)graph;
  if (cudaError_t error = reach(from.device)) {
    return answer(error, "cudaGraphInstantiateWithFlags");
  }
  Exec* made = new Exec();
  made->nodes = from.nodes;
  made->device = from.device;
  *exec = (cudaGraphExec_t)made;
  return cudaSuccess;
}

// Its kernels run on the device where they were captured, whatever the stream. A launch counts as
// one replay; inside of another capture it is a node of that one.
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  Locked locked;
  cudaError_t error = reach(((Exec*)exec)->device);
  if (!error) {
    error = give(stream, "cudaGraphLaunch");
  }
  if (!error) {
    state().counts.replays++;
  }
  return answer(error, "cudaGraphLaunch");
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete (Graph*)graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete (Exec*)exec;
  return cudaSuccess;
}

cudaError_t cudaUserObjectCreate(
    cudaUserObject_t* made, void* data, cudaHostFn_t, unsigned, unsigned) {
  *made = (cudaUserObject_t)data;
  return cudaSuccess;
}

cudaError_t cudaUserObjectRelease(cudaUserObject_t, unsigned) {
  return cudaSuccess;
}

cudaError_t cudaGraphRetainUserObject(cudaGraph_t, cudaUserObject_t, unsigned, unsigned) {
  return cudaSuccess;
}

// ---------------------------------------------------------------------------------------------
// What is not here
// ---------------------------------------------------------------------------------------------

// The driver has none of the optional functions that torch asks for by name.
cudaError_t cudaGetDriverEntryPointByVersion(
    const char*, void** function, unsigned, unsigned long long,
    cudaDriverEntryPointQueryResult* status) {
  *function = nullptr;
  if (status != nullptr) {
    *status = cudaDriverEntryPointSymbolNotFound;
  }
  return cudaSuccess;
}

cudaError_t cudaProfilerStart() {
  return cudaSuccess;
}

cudaError_t cudaProfilerStop() {
  return cudaSuccess;
}

}  // extern "C"
