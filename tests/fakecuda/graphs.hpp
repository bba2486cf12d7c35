// Calls of the runtime: events, kernels, graphs, and what is not here. A part of runtime.cpp.

extern "C" {

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
