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

// One translation unit in parts, for the state and its rules are known to nobody else.
#include "state.hpp"
#include "rules.hpp"
#include "devices.hpp"
#include "memory.hpp"
#include "streams.hpp"
#include "graphs.hpp"
