// Options, the state of this process, and how calls are answered. A part of runtime.cpp.

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

}  // namespace
